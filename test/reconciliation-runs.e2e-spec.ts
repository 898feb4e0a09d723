import { newId } from '../src/common/id';
import { SupplyService } from '../src/ledger/supply.service';
import { startApp, type Person, type TestApp } from './support/app';
import { asOwner } from './support/database';
import { generates, hasMeter, mints, type TestMeter } from './support/generation';
import { balanceOf, expectBooksToBalance, givesMoney } from './support/market';

const RUN = '/api/reconciliations/energy/run';
const FROM = '2025-05-01T00:00:00Z';

describe('runs of reconciliation', () => {
  let app: TestApp;
  let auditor: Person;
  let consumer: Person;

  beforeAll(async () => {
    app = await startApp();
    auditor = await app.registers({ role: 'auditor' });
    consumer = await app.registers({ role: 'consumer' });
  });
  afterAll(() => app.close());

  it('are for auditors, operators and admins', async () => {
    for (const as of [auditor, await app.registers({ role: 'operator' }), app.admin]) {
      const run = await app.post(RUN, { as });
      expect(run).toMatchObject({ status: 201, body: { status: 'completed' } });
      expect(await app.get(`/api/reconciliations/${run.body.id}`, { as })).toMatchObject({
        status: 200,
        body: run.body,
      });
    }
    const id = newId();
    const routes = [
      ['POST', RUN],
      ['GET', '/api/reconciliations'],
      ['GET', `/api/reconciliations/${id}`],
      ['GET', `/api/reconciliations/${id}/breaks`],
    ] as const;
    const participants = [consumer, await app.registers(), await app.registers({ role: 'corporate' })];
    for (const [method, path] of routes) {
      expect(await app.request(method, path)).toMatchObject({ status: 401 });
      for (const as of participants) {
        expect(await app.request(method, path, { as })).toMatchObject({
          status: 403,
          body: { code: 'FORBIDDEN' },
        });
      }
    }
  });

  it('that are not there are not found, and what is no id or type is refused', async () => {
    for (const path of [`/api/reconciliations/${newId()}`, `/api/reconciliations/${newId()}/breaks`]) {
      expect(await app.get(path, { as: auditor })).toMatchObject({
        status: 404,
        body: { code: 'RECONCILIATION_NOT_FOUND' },
      });
    }
    const { body } = await app.post(RUN, { as: auditor });
    for (const path of [
      'energy',
      '?status=done',
      '?cursor=x',
      `${body.id}/breaks?type=no%20type`,
      `${body.id}/breaks?limit=0`,
    ]) {
      expect(await app.get(`/api/reconciliations/${path}`.replace('/?', '?'), { as: auditor })).toMatchObject(
        {
          status: 400,
        },
      );
    }
  });

  it('are listed newest first, page by page and by status', async () => {
    const ran: string[] = [];
    for (let count = 0; count < 3; count++) ran.unshift((await app.post(RUN, { as: auditor })).body.id);
    const first = await app.get('/api/reconciliations?limit=2&status=completed', { as: auditor });
    const cursor = first.body.nextCursor;
    const next = await app.get(`/api/reconciliations?limit=2&status=completed&cursor=${cursor}`, {
      as: auditor,
    });
    const ids = [...first.body.items, ...next.body.items].map(({ id }: any) => id);
    expect(ids.slice(0, 3)).toEqual(ran);
    expect(new Set(ids).size).toBe(ids.length);
    expect((await app.get('/api/reconciliations?status=pending', { as: auditor })).body.items).toEqual([]);
    expect((await app.get('/api/reconciliations', { as: auditor })).body.items[0].id).toBe(ran[0]);
  });

  it('are on record, with who started them', async () => {
    const { body } = await app.post(RUN, { as: auditor });
    const trail = await asOwner(
      app.urls,
      `SELECT action, user_id, after FROM audit_logs WHERE entity_id = $1`,
      [body.id],
    );
    expect(trail).toEqual([
      {
        action: 'reconciliation.run',
        user_id: auditor.id,
        after: { reference: 'energy', status: 'completed', breaksByType: {} },
      },
    ]);
  });

  it('are kept for readers, so that a second look asks no table', async () => {
    const { body } = await app.post(RUN, { as: auditor });
    const hits = async () =>
      Number(
        /cache_operations_total\{[^}]*prefix="recon"[^}]*result="hit"[^}]*\} (\d+)/.exec(
          (await app.get('/metrics')).body,
        )?.[1] ?? 0,
      );
    const before = await hits();
    expect((await app.get(`/api/reconciliations/${body.id}`, { as: auditor })).body).toEqual(body);
    expect(await hits()).toBe(before + 1);
  });

  it('that cannot be finished are failed, and say nothing of why to the outside', async () => {
    const role = decodeURIComponent(new URL(app.urls.applicationUrl).username);
    await asOwner(app.urls, `REVOKE SELECT ON reading_revisions FROM "${role}"`);
    const refused = await app.post(RUN, { as: auditor });
    await asOwner(app.urls, `GRANT SELECT ON reading_revisions TO "${role}"`);
    expect(refused).toMatchObject({ status: 500, body: { code: 'INTERNAL_ERROR' } });
    expect(JSON.stringify(refused.body)).not.toContain('reading_revisions');
    const { body } = await app.get('/api/reconciliations?status=failed', { as: auditor });
    expect(body.items).toMatchObject([
      { status: 'failed', breaks: 0, failure: expect.stringContaining('log') },
    ]);
    expect(body.items[0].finishedAt).not.toBeNull();
  });

  it('whose process ended long ago are failed by the next one', async () => {
    const [long, short] = [newId(), newId()];
    for (const [id, age] of [
      [long, '25 hours'],
      [short, '1 hour'],
    ]) {
      await asOwner(
        app.urls,
        `INSERT INTO reconciliations (id, reference, status, metadata, started_at, updated_at)
         VALUES ($1, 'energy', 'running', '{"unit":"kWh"}', now() - $2::interval, now() - $2::interval)`,
        [id, age],
      );
    }
    expect((await app.get(`/api/reconciliations/${long}`, { as: auditor })).body.status).toBe('running');
    await app.post(RUN, { as: auditor });
    expect((await app.get(`/api/reconciliations/${long}`, { as: auditor })).body.status).toBe('failed');
    expect((await app.get(`/api/reconciliations/${short}`, { as: auditor })).body.status).toBe('running');
  });

  it('see the books as they were when they began, whatever is minted meanwhile', async () => {
    const owner = await app.registers();
    const meter = await hasMeter(app, owner);
    await generates(app, meter, FROM, [1_500]);
    const supply = app.nest.get(SupplyService);
    const assets = supply.assets.bind(supply);
    const between = jest.spyOn(supply, 'assets').mockImplementationOnce(async (tx) => {
      const seen = await assets(tx);
      expect(await mints(app, owner, meter)).toMatchObject([{ kwh: '1.500' }]);
      return seen;
    });
    const { body } = await app.post(RUN, { as: auditor });
    expect(between).toHaveBeenCalledTimes(1);
    expect(body.breaksByType).toEqual({ UNMINTED_SURPLUS: 1 });
    expect((await app.post(RUN, { as: auditor })).body.breaksByType).toEqual({});
  });

  it('see everything of a mint, a sale or a certificate, or nothing of it', async () => {
    const households = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const owner = await app.registers();
        await givesMoney(app, owner, '1000');
        return { owner, meter: await hasMeter(app, owner) };
      }),
    );
    const day = (number: number) => new Date(Date.parse(FROM) + number * 86_400_000).toISOString();
    const offer = {
      energySource: 'solar',
      amountKwh: '0.500',
      pricePerKwh: '4.000000',
      availableFrom: new Date(Date.now() - 1_000).toISOString(),
      availableUntil: new Date(Date.now() + 3_600_000).toISOString(),
    };
    // The month has its partition before all of them write into it.
    await generates(app, households[0]?.meter as TestMeter, day(10), [[0, 100]]);
    const live = async ({ owner, meter }: (typeof households)[number], buyer: Person): Promise<void> => {
      for (const number of [0, 1, 2, 3]) {
        await generates(app, meter, day(number), [[900, 200], 400, 800]);
        await mints(app, owner, meter);
        const { body } = await app.post('/api/offers', { as: owner, body: offer });
        await app.post(`/api/offers/${body.id}/purchase`, { as: buyer, body: { amountKwh: '0.300' } });
        const period = { from: day(number), to: day(number + 1) };
        await app.post('/api/certificates', { as: owner, body: { meterId: meter.id, ...period } });
      }
    };
    let living = true;
    const lives = Promise.all(
      households.map((household, index) => live(household, households[(index + 1) % 4]?.owner as Person)),
    ).finally(() => (living = false));
    const runs: any[] = [];
    while (living) runs.push((await app.post(RUN, { as: auditor })).body);
    await lives;

    expect(runs.length).toBeGreaterThan(2);
    for (const run of runs) {
      // What was generated and waits for its mint is no contradiction; everything else would be one.
      expect(Object.keys(run.breaksByType).filter((type) => type !== 'UNMINTED_SURPLUS')).toEqual([]);
      for (const { mintedKwh, issuedKwh, heldKwh } of run.checked.assets) {
        expect([issuedKwh, heldKwh]).toEqual([mintedKwh, mintedKwh]);
      }
    }
    const last = (await app.post(RUN, { as: auditor })).body;
    expect(last).toMatchObject({
      breaks: 0,
      amount: '31.900',
      checked: { readings: 50, mints: 17, bookings: 17, certificates: 16 },
    });
    await expectBooksToBalance(app);
    const held = await Promise.all(households.map(({ owner }) => balanceOf(app, owner, 'energy:solar')));
    expect(held.every(({ available }) => available !== '0.000')).toBe(true);
  });
});
