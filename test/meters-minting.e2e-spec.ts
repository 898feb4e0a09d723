import { randomUUID } from 'node:crypto';
import { MetersService } from '../src/meters/meters.service';
import { startApp, type Answer, type Person, type TestApp } from './support/app';
import { asOwner } from './support/database';
import { generates, hasMeter, type TestMeter } from './support/generation';
import { balanceOf, expectBooksToBalance } from './support/market';

const JULY = '2021-07-01T00:00:00Z';
const NOTHING = { mintedKwh: '0.000', readings: 0, mints: [] };

describe('minting', () => {
  let app: TestApp;
  let owner: Person;
  let neighbour: Person;
  let operator: Person;
  let auditor: Person;

  beforeAll(async () => {
    app = await startApp();
    operator = await app.registers({ role: 'operator' });
    auditor = await app.registers({ role: 'auditor' });
  });
  afterAll(async () => {
    await expectBooksToBalance(app);
    await app.close();
  });
  beforeEach(async () => {
    owner = await app.registers();
    neighbour = await app.registers();
  });

  const mint = (
    as: Person | undefined,
    body: unknown = {},
    headers?: Record<string, string>,
  ): Promise<Answer> => app.post('/api/meters/mint', { as, body, headers });

  const solarOf = async (person: Person) => (await balanceOf(app, person, 'energy:solar')).available;

  const post = async (
    { serial }: TestMeter,
    intervalStart: string,
    generatedWh: number,
    consumedWh: number,
  ) =>
    (
      await app.post('/api/meters/readings', {
        as: owner,
        body: { meterSerial: serial, intervalStart, intervalMinutes: 15, generatedWh, consumedWh },
      })
    ).body;

  /** A quarter of an hour that owners may still post for. */
  const recent = new Date(Math.floor(Date.now() / 900_000) * 900_000 - 86_400_000).toISOString();

  it('credits the surplus of each reading once, and nothing the second time', async () => {
    const meter = await hasMeter(app, owner);
    await generates(app, meter, JULY, [[500, 120], [100, 300], [0, 0], 620]);
    const first = await mint(owner);
    expect(first.status).toBe(200);
    expect(first.body).toEqual({
      mintedKwh: '1.000',
      readings: 2,
      mints: [{ id: expect.any(String), meterId: meter.id, kwh: '1.000', chainStatus: 'none' }],
    });
    expect(await solarOf(owner)).toBe('1.000');
    expect((await mint(owner)).body).toEqual(NOTHING);
    expect((await app.post('/api/meters/mint', { as: owner })).body).toEqual(NOTHING);
    expect(await solarOf(owner)).toBe('1.000');
  });

  it('marks the readings and keeps what the mint is of, without a signature that nobody made', async () => {
    const meter = await hasMeter(app, owner);
    await generates(app, meter, JULY, [[0, 10], 500, [100, 300], 620]);
    const { body } = await mint(owner, { meterId: meter.id });
    const [{ id }] = body.mints;
    const { body: list } = await app.get(`/api/meters/readings?meterId=${meter.id}`, { as: owner });
    expect(
      list.items.map((one: { minted: boolean; mintId: string | null }) => [one.minted, one.mintId]),
    ).toEqual([
      [true, id],
      [false, null],
      [true, id],
      [false, null],
    ]);
    expect(list.items.every((one: { mintTxSignature: unknown }) => one.mintTxSignature === null)).toBe(true);
    const rows = await asOwner(
      app.urls,
      `SELECT user_id, meter_id, energy_wh, period_from, period_to, readings, chain_status, tx_signature
         FROM mints WHERE id = $1`,
      [id],
    );
    expect(rows).toEqual([
      {
        user_id: owner.id,
        meter_id: meter.id,
        energy_wh: '1120',
        period_from: new Date('2021-07-01T00:15:00Z'),
        period_to: new Date('2021-07-01T01:00:00Z'),
        readings: 2,
        chain_status: 'none',
        tx_signature: null,
      },
    ]);
    const minted = await app.get('/api/meters/readings?minted=true', { as: owner });
    expect(minted.body.items).toHaveLength(2);
    const trail = await asOwner(
      app.urls,
      `SELECT user_id, after FROM audit_logs WHERE action = 'meter.minted' AND entity_id = $1`,
      [id],
    );
    expect(trail).toEqual([
      { user_id: owner.id, after: { meterId: meter.id, userId: owner.id, kwh: '1.120', readings: 2 } },
    ]);
  });

  it('shows in the statistics at once', async () => {
    const meter = await hasMeter(app, owner);
    await generates(app, meter, JULY, [500]);
    const stats = async () => (await app.get('/api/meters/stats', { as: owner })).body;
    expect(await stats()).toMatchObject({ mintedKwh: '0.000', unmintedKwh: '0.500' });
    await mint(owner);
    expect(await stats()).toMatchObject({ mintedKwh: '0.500', unmintedKwh: '0.000' });
  });

  it('takes verified meters only: a named one is refused, others are passed over', async () => {
    const pending = await hasMeter(app, owner, { verified: false });
    await generates(app, pending, JULY, [500]);
    const refused = await mint(owner, { meterId: pending.id });
    expect([refused.status, refused.body.code]).toEqual([422, 'METER_NOT_VERIFIED']);
    expect((await mint(owner)).body).toEqual(NOTHING);
    await app.post(`/api/meters/${pending.id}/verify`, { as: operator });
    await app.post(`/api/meters/${pending.id}/suspend`, { as: operator });
    expect((await mint(owner, { meterId: pending.id })).status).toBe(422);
    await app.post(`/api/meters/${pending.id}/verify`, { as: operator });
    expect((await mint(owner, { meterId: pending.id })).body.mintedKwh).toBe('0.500');
  });

  it('is for owners, for operators and admins, and for nobody else', async () => {
    const meter = await hasMeter(app, owner);
    await generates(app, meter, JULY, [500]);
    const foreign = await mint(neighbour, { meterId: meter.id });
    expect([foreign.status, foreign.body.code]).toEqual([404, 'METER_NOT_FOUND']);
    expect((await mint(neighbour)).body).toEqual(NOTHING);
    expect((await mint(neighbour, { meterId: randomUUID() })).status).toBe(404);
    expect((await mint(owner, { all: true })).status).toBe(403);
    expect((await mint(auditor, { all: true })).status).toBe(403);
    expect((await mint(auditor)).status).toBe(403);
    expect((await mint(undefined)).status).toBe(401);
    for (const body of [
      { meterId: 'x' },
      { all: 'yes' },
      { all: true, meterId: meter.id },
      { userId: owner.id },
    ]) {
      expect((await mint(operator, body)).status).toBe(400);
    }
    expect(await solarOf(owner)).toBe('0.000');
    expect((await mint(operator, { meterId: meter.id })).body.mintedKwh).toBe('0.500');
    expect(await solarOf(owner)).toBe('0.500');
  });

  it('of everybody credits each owner in the energy of each meter', async () => {
    await mint(app.admin, { all: true });
    const solar = await hasMeter(app, owner);
    const wind = await hasMeter(app, neighbour, { source: 'wind' });
    const pending = await hasMeter(app, neighbour, { verified: false });
    await generates(app, solar, JULY, [500]);
    await generates(app, wind, JULY, [700, 1]);
    await generates(app, pending, JULY, [900]);
    const { body } = await mint(operator, { all: true });
    expect(body).toMatchObject({ mintedKwh: '1.201', readings: 3 });
    expect(
      body.mints.map(({ meterId, kwh }: { meterId: string; kwh: string }) => [meterId, kwh]).sort(),
    ).toEqual(
      [
        [solar.id, '0.500'],
        [wind.id, '0.701'],
      ].sort(),
    );
    expect(await solarOf(owner)).toBe('0.500');
    expect(await solarOf(neighbour)).toBe('0.000');
    expect((await balanceOf(app, neighbour, 'energy:wind')).available).toBe('0.701');
    expect((await mint(operator, { all: true })).body).toEqual(NOTHING);
  });

  it('with an Idempotency-Key answers the same again, whatever came in between', async () => {
    const meter = await hasMeter(app, owner);
    await generates(app, meter, JULY, [500]);
    const key = { 'idempotency-key': randomUUID() };
    const [first, again] = await Promise.all([mint(owner, {}, key), mint(owner, {}, key)]);
    expect(first.body.mintedKwh).toBe('0.500');
    expect(again.body).toEqual(first.body);
    await generates(app, meter, '2021-07-02T00:00:00Z', [300]);
    expect((await mint(owner, {}, key)).body).toEqual(first.body);
    const other = await mint(owner, { meterId: meter.id }, key);
    expect([other.status, other.body.code]).toEqual([409, 'IDEMPOTENCY_KEY_REUSED']);
    expect(await solarOf(owner)).toBe('0.500');
    await app.post(`/api/meters/${meter.id}/suspend`, { as: operator });
    expect((await mint(owner, {}, key)).body).toEqual(first.body);
  });

  it('remembers under an Idempotency-Key that there was nothing', async () => {
    const meter = await hasMeter(app, owner);
    const key = { 'idempotency-key': randomUUID() };
    expect((await mint(owner, {}, key)).body).toEqual(NOTHING);
    await generates(app, meter, JULY, [500]);
    expect((await mint(owner, {}, key)).body).toEqual(NOTHING);
  });

  it('twenty times at once, in two processes, mints once', async () => {
    const second = await startApp({}, app.urls);
    try {
      await mint(app.admin, { all: true });
      const meters = [await hasMeter(app, owner), await hasMeter(app, owner)];
      for (const meter of meters)
        await generates(
          app,
          meter,
          JULY,
          Array.from({ length: 96 }, () => 100),
        );
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, index) => {
          const to = index % 2 === 0 ? app : second;
          if (index % 5 === 0) return to.post('/api/meters/mint', { as: operator, body: { all: true } });
          const body = index % 3 === 0 ? { meterId: meters[index % 2]?.id } : {};
          return to.post('/api/meters/mint', { as: owner, body });
        }),
      );
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
      const minted = answers.flatMap(({ body }) =>
        body.mints.map(({ meterId }: { meterId: string }) => meterId),
      );
      expect(minted.sort()).toEqual(meters.map(({ id }) => id).sort());
      expect(answers.reduce((sum, { body }) => sum + (body.readings as number), 0)).toBe(192);
      expect(await solarOf(owner)).toBe('19.200');
    } finally {
      await second.close();
    }
  });

  it('while readings come in loses none and counts none twice', async () => {
    const meter = await hasMeter(app, owner);
    const uploads = Array.from({ length: 10 }, (_, day) =>
      generates(
        app,
        meter,
        `2021-08-${String(day + 1).padStart(2, '0')}T00:00:00Z`,
        Array.from({ length: 96 }, () => 10),
      ),
    );
    const mints = Array.from({ length: 10 }, () => mint(owner));
    await Promise.all([...uploads, ...mints]);
    await mint(owner);
    expect(await solarOf(owner)).toBe('9.600');
    const rows = await asOwner(
      app.urls,
      'SELECT sum(energy_wh)::int AS wh, sum(readings)::int AS readings FROM mints WHERE meter_id = $1',
      [meter.id],
    );
    expect(rows).toEqual([{ wh: 9_600, readings: 960 }]);
  });

  it('of very many readings goes in portions and answers with the whole', async () => {
    await mint(app.admin, { all: true });
    const meters = [await hasMeter(app, owner), await hasMeter(app, neighbour)];
    const people = [owner, neighbour];
    await generates(app, meters[0] as TestMeter, '2020-01-01T00:00:00Z', [0]);
    await asOwner(
      app.urls,
      `SELECT ensure_month_partition('meter_readings', month::date)
         FROM generate_series('2020-01-01'::date, '2020-12-01', interval '1 month') AS month`,
    );
    for (const [index, meter] of meters.entries()) {
      await asOwner(
        app.urls,
        `INSERT INTO meter_readings
           (meter_id, interval_start, interval_minutes, generated_wh, consumed_wh, surplus_wh, user_id)
         SELECT $1, at, 15, 1, 0, 1, $2
           FROM generate_series('2020-01-02T00:00:00Z'::timestamptz, '2020-06-30T00:00:00Z', interval '15 min') AS at`,
        [meter.id, people[index]?.id],
      );
    }
    const { body } = await mint(operator, { all: true });
    const quarters = 180 * 96 + 1;
    expect(body).toMatchObject({ mintedKwh: '34.562', readings: 2 * quarters });
    expect(body.mints).toHaveLength(2);
    for (const person of people) expect(await solarOf(person)).toBe('17.281');
  });

  describe('closes intervals', () => {
    it('against revisions, which are kept once as refused', async () => {
      const meter = await hasMeter(app, owner);
      await post(meter, recent, 500, 100);
      await mint(owner);
      for (let attempt = 0; attempt < 2; attempt++) {
        expect(await post(meter, recent, 600, 100)).toMatchObject({
          revised: 0,
          rejected: 1,
          errors: [{ line: 1, code: 'ALREADY_MINTED' }],
        });
      }
      expect(await post(meter, recent, 500, 100)).toMatchObject({ duplicates: 1, rejected: 0 });
      const revisions = await asOwner(
        app.urls,
        'SELECT previous_generated_wh AS was, new_generated_wh AS sent, outcome FROM reading_revisions WHERE meter_id = $1',
        [meter.id],
      );
      expect(revisions).toEqual([{ was: '500', sent: '600', outcome: 'refused' }]);
      const { body } = await app.get(`/api/meters/readings?meterId=${meter.id}`, { as: owner });
      expect(body.items[0]).toMatchObject({ generatedWh: 500, surplusWh: 400, minted: true });
    });

    it('and mints what a revision made of them before', async () => {
      const meter = await hasMeter(app, owner);
      await post(meter, recent, 500, 100);
      expect(await post(meter, recent, 700, 100)).toMatchObject({ revised: 1 });
      expect((await mint(owner)).body.mintedKwh).toBe('0.600');
    });

    it('as certificates do, until they are withdrawn', async () => {
      const meter = await hasMeter(app, owner);
      await post(meter, recent, 500, 500);
      const meters = app.nest.get(MetersService);
      const from = new Date(recent);
      const to = new Date(from.getTime() + 900_000);
      const mark = (certified: boolean) =>
        app.database.transaction((tx) => meters.markCertified(tx, meter.id, from, to, certified));
      const generated = () =>
        app.database.transaction((tx) => meters.generatedBetween(tx, meter.id, from, to));
      expect(await generated()).toBe(500n);
      await mark(true);
      expect(await post(meter, recent, 400, 500)).toMatchObject({
        errors: [{ line: 1, code: 'ALREADY_CERTIFIED' }],
      });
      expect(await generated()).toBe(500n);
      await mark(false);
      expect(await post(meter, recent, 400, 500)).toMatchObject({ revised: 1 });
      expect(await generated()).toBe(400n);
    });
  });
});
