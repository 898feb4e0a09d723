import { randomUUID } from 'node:crypto';
import { startApp, type Answer, type Person, type TestApp } from './support/app';
import { asOwner } from './support/database';

const QUARTER_MS = 900_000;
const CSV = { 'content-type': 'text/csv' };
const NDJSON = { 'content-type': 'application/x-ndjson' };
const HEADER = 'meter_serial,interval_start,interval_minutes,generated_wh,consumed_wh';

interface Counted {
  readonly generatedWh?: number;
  readonly consumedWh?: number;
  readonly intervalMinutes?: number;
  readonly intervalStart?: string;
  readonly quality?: string;
}

describe('readings', () => {
  let app: TestApp;
  let owner: Person;
  let neighbour: Person;
  let operator: Person;
  let auditor: Person;
  let meters = 0;

  /** The beginning of a day some weeks ago, so that every quarter in it is over. */
  const day = new Date(Math.floor(Date.now() / 86_400_000 - 30) * 86_400_000);
  const quarter = (index: number): string => new Date(day.getTime() + index * QUARTER_MS).toISOString();

  beforeAll(async () => {
    app = await startApp();
    owner = await app.registers({ role: 'prosumer' });
    neighbour = await app.registers({ role: 'prosumer' });
    operator = await app.registers({ role: 'operator' });
    auditor = await app.registers({ role: 'auditor' });
  });
  afterAll(() => app.close());

  async function meterOf(
    person: Person,
    changes: Record<string, unknown> = {},
  ): Promise<{ id: string; serial: string }> {
    const serial = `GTX-M${++meters}`;
    const body = { serial, zone: 'north', energySource: 'solar', capacityKw: '10', ...changes };
    const answer = await app.post('/api/meters', { as: person, body });
    expect(answer.status).toBe(201);
    return { id: answer.body.id, serial };
  }

  const reading = (serial: string, index: number, changes: Counted = {}) => ({
    meterSerial: serial,
    intervalStart: quarter(index),
    intervalMinutes: 15,
    generatedWh: 0,
    consumedWh: 0,
    ...changes,
  });

  const post = (as: Person | undefined, body: unknown, headers?: Record<string, string>): Promise<Answer> =>
    app.post('/api/meters/readings', { as, body, headers });

  const listed = async (as: Person, query: string) =>
    (await app.get(`/api/meters/readings?${query}`, { as })).body.items;

  const codes = ({ body }: Answer) =>
    body.errors.map(({ line, code }: { line: number; code: string }) => [line, code]);

  describe('are taken', () => {
    it('one at a time as JSON, and kept with their surplus and whose they are', async () => {
      const meter = await meterOf(owner);
      const answer = await post(owner, reading(meter.serial, 0, { generatedWh: 500, consumedWh: 120 }));
      expect(answer.status).toBe(200);
      expect(answer.body).toEqual({ accepted: 1, duplicates: 0, revised: 0, rejected: 0, errors: [] });
      expect(await listed(owner, `meterId=${meter.id}`)).toEqual([
        {
          meterId: meter.id,
          intervalStart: quarter(0),
          intervalMinutes: 15,
          generatedWh: 500,
          consumedWh: 120,
          surplusWh: 380,
          quality: 'actual',
          userId: owner.id,
          walletAddress: null,
          minted: false,
          mintId: null,
          mintTxSignature: null,
          certified: false,
        },
      ]);
    });

    it('many at a time as JSON, NDJSON and CSV, the same thing in each', async () => {
      const json = await meterOf(owner);
      const ndjson = await meterOf(owner);
      const csv = await meterOf(owner);
      const figures = { generatedWh: 5, consumedWh: 9, quality: 'estimated' };
      const two = (serial: string) => [reading(serial, 0, figures), reading(serial, 1, figures)];
      await post(owner, two(json.serial));
      await post(
        owner,
        two(ndjson.serial)
          .map((one) => JSON.stringify(one))
          .join('\n'),
        NDJSON,
      );
      const lines = two(csv.serial).map((one) => Object.values(one).join(','));
      await post(owner, [`${HEADER},quality`, ...lines].join('\n'), CSV);
      const [fromJson, fromNdjson, fromCsv] = await Promise.all(
        [json, ndjson, csv].map(async ({ id }) =>
          (await listed(owner, `meterId=${id}`)).map((one: object) => ({ ...one, meterId: undefined })),
        ),
      );
      expect(fromJson).toHaveLength(2);
      expect(fromNdjson).toEqual(fromJson);
      expect(fromCsv).toEqual(fromJson);
    });

    it('in UTC, whatever offset they come with, at the change to summer time too', async () => {
      const meter = await meterOf(owner, { timeZone: 'Europe/Berlin' });
      const starts = ['2021-03-28T01:45:00+01:00', '2021-03-28T03:00:00+02:00', '2021-07-01T00:00:00+02:00'];
      const lines = starts.map((start) => `${meter.serial},${start},15,1,0`);
      const answer = await post(operator, [HEADER, ...lines].join('\r\n'), CSV);
      expect(answer.body).toMatchObject({ accepted: 3, rejected: 0 });
      const kept = await listed(owner, `meterId=${meter.id}`);
      expect(kept.map(({ intervalStart }: { intervalStart: string }) => intervalStart)).toEqual([
        '2021-06-30T22:00:00.000Z',
        '2021-03-28T01:00:00.000Z',
        '2021-03-28T00:45:00.000Z',
      ]);
    });

    it('with the wallet that their owner has when they arrive', async () => {
      const person = await app.registers();
      const meter = await meterOf(person);
      const has = (wallet: string) =>
        asOwner(app.urls, 'UPDATE users SET wallet_address = $2 WHERE id = $1', [person.id, wallet]);
      const [before, after] = ['1'.repeat(32), '2'.repeat(32)];
      await has(before);
      await post(person, reading(meter.serial, 0, { generatedWh: 1 }));
      await has(after);
      await post(operator, [reading(meter.serial, 0, { generatedWh: 2 }), reading(meter.serial, 1)]);
      const kept = await listed(person, `meterId=${meter.id}`);
      expect(kept.map(({ walletAddress }: { walletAddress: string }) => walletAddress)).toEqual([
        after,
        before,
      ]);
    });

    it('on both sides of a month, each into the partition of its month', async () => {
      const meter = await meterOf(owner);
      const starts = ['2019-01-31T23:45:00Z', '2019-02-01T00:00:00Z'];
      await post(
        operator,
        starts.map((intervalStart) => reading(meter.serial, 0, { intervalStart })),
      );
      const rows = await asOwner(
        app.urls,
        'SELECT tableoid::regclass::text AS partition FROM meter_readings WHERE meter_id = $1 ORDER BY interval_start',
        [meter.id],
      );
      expect(rows).toEqual([
        { partition: 'meter_readings_2019_01' },
        { partition: 'meter_readings_2019_02' },
      ]);
    });

    it('by owners for 400 days, by operators and admins for the time before, too', async () => {
      const meter = await meterOf(owner);
      const old = { intervalStart: new Date(day.getTime() - 400 * 86_400_000).toISOString() };
      expect(codes(await post(owner, reading(meter.serial, 0, old)))).toEqual([[1, 'TOO_OLD']]);
      expect((await post(app.admin, reading(meter.serial, 0, old))).body.accepted).toBe(1);
      const trail = await asOwner(
        app.urls,
        `SELECT after FROM audit_logs WHERE action = 'readings.loaded' AND user_id = $1`,
        [app.admin.id],
      );
      expect(trail).toEqual([{ after: { firstLine: 1, lastLine: 1, accepted: 1, revised: 0 } }]);
    });

    it('once: the same again is a duplicate, in the same upload or later', async () => {
      const meter = await meterOf(owner);
      const same = reading(meter.serial, 0, { generatedWh: 3 });
      expect((await post(owner, [same, same])).body).toMatchObject({ accepted: 1, duplicates: 1 });
      expect((await post(owner, same)).body).toMatchObject({ accepted: 0, duplicates: 1, revised: 0 });
    });

    it('again with other figures as a revision that keeps the old ones', async () => {
      const meter = await meterOf(owner);
      await post(owner, reading(meter.serial, 0, { generatedWh: 10, consumedWh: 4, quality: 'estimated' }));
      const revised = await post(owner, reading(meter.serial, 0, { generatedWh: 12, consumedWh: 30 }));
      expect(revised.body).toEqual({ accepted: 0, duplicates: 0, revised: 1, rejected: 0, errors: [] });
      const [kept] = await listed(owner, `meterId=${meter.id}`);
      expect(kept).toMatchObject({ generatedWh: 12, consumedWh: 30, surplusWh: 0, quality: 'actual' });
      const revisions = await asOwner(
        app.urls,
        `SELECT previous_generated_wh AS was, new_generated_wh AS is, previous_quality, outcome, revised_by
           FROM reading_revisions WHERE meter_id = $1`,
        [meter.id],
      );
      expect(revisions).toEqual([
        { was: '10', is: '12', previous_quality: 'estimated', outcome: 'replaced', revised_by: owner.id },
      ]);
    });
  });

  describe('are refused', () => {
    it('one by one, with the line and a code, while the others are taken', async () => {
      const meter = await meterOf(owner);
      const foreign = await meterOf(neighbour);
      const answer = await post(owner, [
        reading(meter.serial, 0),
        reading('GTX-NONE', 1),
        reading(foreign.serial, 1),
        reading(meter.serial, 1, { generatedWh: -1 }),
        reading(meter.serial, 1, { consumedWh: 100_001 }),
        reading(meter.serial, 1, { generatedWh: 3_001 }),
        reading(meter.serial, 1, { intervalStart: new Date(day.getTime() + 60_000).toISOString() }),
        reading(meter.serial, 1, { intervalMinutes: 7 }),
        reading(meter.serial, 2, { intervalMinutes: 30 }),
        reading(meter.serial, 1, {
          intervalStart: new Date(Math.ceil(Date.now() / QUARTER_MS) * QUARTER_MS).toISOString(),
        }),
        { meterSerial: meter.serial },
        reading(meter.serial, 1, { generatedWh: 3_000 }),
      ]);
      expect(answer.body).toMatchObject({ accepted: 2, duplicates: 0, revised: 0, rejected: 10 });
      expect(codes(answer)).toEqual([
        [2, 'UNKNOWN_METER'],
        [3, 'UNKNOWN_METER'],
        [4, 'NEGATIVE_ENERGY'],
        [5, 'ENERGY_TOO_LARGE'],
        [6, 'ABOVE_CAPACITY'],
        [7, 'MISALIGNED'],
        [8, 'UNSUPPORTED_INTERVAL'],
        [9, 'INTERVAL_LENGTH_CHANGED'],
        [10, 'IN_FUTURE'],
        [11, 'MALFORMED_LINE'],
      ]);
      const [unknown, others] = answer.body.errors;
      expect(others.detail).toBe(unknown.detail.replace('GTX-NONE', foreign.serial));
    });

    it('for meters that are suspended or retired', async () => {
      const meter = await meterOf(owner);
      await app.post(`/api/meters/${meter.id}/suspend`, { as: operator });
      expect(codes(await post(owner, reading(meter.serial, 0)))).toEqual([[1, 'METER_SUSPENDED']]);
      await app.post(`/api/meters/${meter.id}/retire`, { as: operator });
      expect(codes(await post(operator, reading(meter.serial, 0)))).toEqual([[1, 'METER_RETIRED']]);
    });

    it('from nobody and from auditors altogether', async () => {
      const meter = await meterOf(owner);
      expect((await post(undefined, reading(meter.serial, 0))).status).toBe(401);
      expect((await post(auditor, reading(meter.serial, 0))).status).toBe(403);
      expect((await post(auditor, `${HEADER}\n`, CSV)).status).toBe(403);
    });

    it('in a form that nobody said', async () => {
      const answer = await post(owner, '<readings/>', { 'content-type': 'text/plain' });
      expect([answer.status, answer.body.code]).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE']);
      expect((await post(owner, '[{', { 'content-type': 'application/json' })).status).toBe(400);
    });

    it('when a JSON array is larger than a body may be', async () => {
      const meter = await meterOf(owner);
      const many = Array.from({ length: 10_000 }, () => reading(meter.serial, 0));
      const answer = await post(owner, many);
      expect([answer.status, answer.body.code]).toEqual([413, 'BODY_TOO_LARGE']);
    });
  });

  describe('are listed', () => {
    let lister: Person;
    let first: { id: string; serial: string };
    let second: { id: string; serial: string };

    beforeAll(async () => {
      lister = await app.registers();
      first = await meterOf(lister);
      second = await meterOf(lister);
      await post(
        lister,
        [0, 1, 2].map((index) => reading(first.serial, index, { generatedWh: 10, consumedWh: 4 })),
      );
      await post(
        lister,
        [1, 2].map((index) => reading(second.serial, index, { consumedWh: 7 })),
      );
    });

    const places = (items: { intervalStart: string; meterId: string }[]) =>
      items.map(({ intervalStart, meterId }) => [intervalStart, meterId === first.id ? 'first' : 'second']);

    it('newest interval first, over all one has, page by page', async () => {
      const everything = [
        [quarter(2), 'second'],
        [quarter(2), 'first'],
        [quarter(1), 'second'],
        [quarter(1), 'first'],
        [quarter(0), 'first'],
      ];
      const pages: unknown[][] = [];
      for (let cursor: string | null = ''; cursor !== null;) {
        const answer: Answer = await app.get(`/api/meters/readings?limit=2${cursor}`, { as: lister });
        pages.push(places(answer.body.items));
        cursor = answer.body.nextCursor === null ? null : `&cursor=${answer.body.nextCursor}`;
      }
      expect(pages).toEqual([everything.slice(0, 2), everything.slice(2, 4), everything.slice(4)]);
    });

    it('of one meter, page by page', async () => {
      const { body } = await app.get(`/api/meters/readings?meterId=${first.id}&limit=2`, { as: lister });
      expect(places(body.items)).toEqual([
        [quarter(2), 'first'],
        [quarter(1), 'first'],
      ]);
      const rest = await listed(lister, `meterId=${first.id}&limit=2&cursor=${body.nextCursor}`);
      expect(places(rest)).toEqual([[quarter(0), 'first']]);
    });

    it.each(['', 'meterId'])('over months without any in between, page by page %s', async (by) => {
      const person = await app.registers();
      const meter = await meterOf(person);
      const daysAgo = [0, 1, 40, 41, 200, 330, 360];
      const starts = daysAgo.map((days) =>
        new Date(Date.parse(quarter(0)) - days * 86_400_000).toISOString(),
      );
      await post(
        person,
        starts.map((intervalStart) => reading(meter.serial, 0, { intervalStart })),
      );
      const found: string[][] = [];
      for (let cursor: string | null = ''; cursor !== null;) {
        const of = by === '' ? '' : `&meterId=${meter.id}`;
        const { body } = await app.get(`/api/meters/readings?limit=3${of}${cursor}`, { as: person });
        found.push(body.items.map(({ intervalStart }: { intervalStart: string }) => intervalStart));
        cursor = body.nextCursor === null ? null : `&cursor=${body.nextCursor}`;
      }
      expect(found).toEqual([starts.slice(0, 3), starts.slice(3, 6), starts.slice(6)]);
    });

    it('of a span of time, its end excluded, and by whether they are minted', async () => {
      const span = `from=${quarter(1)}&to=${quarter(2)}`;
      expect(places(await listed(lister, span))).toEqual([
        [quarter(1), 'second'],
        [quarter(1), 'first'],
      ]);
      expect(places(await listed(lister, `${span}&meterId=${first.id}`))).toEqual([[quarter(1), 'first']]);
      expect(await listed(lister, 'minted=true')).toEqual([]);
      expect(await listed(lister, `minted=true&meterId=${first.id}`)).toEqual([]);
      expect(await listed(lister, 'minted=false')).toHaveLength(5);
    });

    it('to those who see everything by meter or user, and to nobody else', async () => {
      for (const as of [operator, auditor, app.admin]) {
        expect(await listed(as, `meterId=${first.id}`)).toHaveLength(3);
        expect(await listed(as, `userId=${lister.id}`)).toHaveLength(5);
      }
      const byMeter = await app.get(`/api/meters/readings?meterId=${first.id}`, { as: neighbour });
      expect([byMeter.status, byMeter.body.code]).toEqual([404, 'METER_NOT_FOUND']);
      const byUser = await app.get(`/api/meters/readings?userId=${lister.id}`, { as: neighbour });
      expect([byUser.status, byUser.body.code]).toEqual([404, 'USER_NOT_FOUND']);
      expect((await app.get('/api/meters/readings')).status).toBe(401);
    });

    it.each([
      'meterId=x',
      'from=yesterday',
      'to=2026-01-01',
      'minted=maybe',
      'limit=500',
      'cursor=WyJ4IiwieSJd',
      `cursor=${Buffer.from(JSON.stringify(['2026-13-45T00:00:00.000Z', '01890000-0000-7000-8000-000000000000'])).toString('base64url')}`,
      'x=1',
    ])('never by %s', async (query) => {
      const { status, body } = await app.get(`/api/meters/readings?${query}`, { as: owner });
      expect([status, body.code]).toEqual([400, 'INVALID_INPUT']);
    });
  });

  describe('are summed up', () => {
    it('in all and by the days of the time zone that the meters share', async () => {
      const person = await app.registers();
      const meter = await meterOf(person, { timeZone: 'Europe/Berlin' });
      await post(operator, [
        reading(meter.serial, 0, { intervalStart: '2021-06-30T21:45:00Z', generatedWh: 100, consumedWh: 40 }),
        reading(meter.serial, 0, {
          intervalStart: '2021-06-30T22:00:00Z',
          generatedWh: 7,
          consumedWh: 1_200,
        }),
      ]);
      const { body } = await app.get('/api/meters/stats', { as: person });
      expect(body).toEqual({
        userId: person.id,
        timeZone: 'Europe/Berlin',
        readings: 2,
        generatedKwh: '0.107',
        consumedKwh: '1.240',
        surplusKwh: '0.060',
        mintedKwh: '0.000',
        unmintedKwh: '0.060',
        byDay: [
          { day: '2021-06-30', generatedKwh: '0.100', consumedKwh: '0.040', surplusKwh: '0.060' },
          { day: '2021-07-01', generatedKwh: '0.007', consumedKwh: '1.200', surplusKwh: '0.000' },
        ],
      });
    });

    it('by days of UTC when the meters are in several zones, and never stale', async () => {
      const person = await app.registers();
      const berlin = await meterOf(person, { timeZone: 'Europe/Berlin' });
      const stats = async () => (await app.get('/api/meters/stats', { as: person })).body;
      expect(await stats()).toMatchObject({
        timeZone: 'Europe/Berlin',
        readings: 0,
        generatedKwh: '0.000',
        byDay: [],
      });
      await post(person, reading(berlin.serial, 0, { generatedWh: 10 }));
      expect(await stats()).toMatchObject({ readings: 1, generatedKwh: '0.010' });
      await post(person, reading(berlin.serial, 0, { generatedWh: 11 }));
      expect(await stats()).toMatchObject({ readings: 1, generatedKwh: '0.011' });
      await meterOf(person, { timeZone: 'Asia/Bangkok' });
      expect(await stats()).toMatchObject({ timeZone: 'UTC' });
    });

    it('for their owner and those who see everything only', async () => {
      const person = await app.registers();
      const meter = await meterOf(person);
      await post(person, reading(meter.serial, 0, { generatedWh: 10 }));
      for (const as of [operator, auditor, app.admin]) {
        expect((await app.get(`/api/meters/stats?userId=${person.id}`, { as })).body.readings).toBe(1);
      }
      expect((await app.get(`/api/meters/stats?userId=${person.id}`, { as: neighbour })).status).toBe(404);
      expect((await app.get(`/api/meters/stats?userId=${randomUUID()}`, { as: auditor })).body.readings).toBe(
        0,
      );
      expect((await app.get('/api/meters/stats?userId=x', { as: auditor })).status).toBe(400);
      expect((await app.get('/api/meters/stats')).status).toBe(401);
    });
  });
});
