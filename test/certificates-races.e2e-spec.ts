import { Client } from 'pg';
import { startApp, type Answer, type Person, type TestApp } from './support/app';
import { asOwner } from './support/database';
import { generates, hasMeter, type TestMeter } from './support/generation';

const DAY = { from: '2025-05-01T00:00:00Z', to: '2025-05-02T00:00:00Z' };

describe('certificates and many hands at once', () => {
  let app: TestApp;
  let second: TestApp;
  let owner: Person;
  let ben: Person;
  let meter: TestMeter;

  beforeAll(async () => {
    app = await startApp();
    second = await startApp({}, app.urls);
    owner = await app.registers();
    ben = await app.registers();
  });
  afterAll(async () => {
    await second.close();
    await app.close();
  });
  beforeEach(async () => {
    meter = await hasMeter(app, owner);
    await generates(app, meter, DAY.from, Array<number>(96).fill(100));
  });

  const statuses = (answers: readonly Answer[]) => answers.map(({ status }) => status).sort();

  it('certifies overlapping periods exactly once, whichever process is asked', async () => {
    const periods = Array.from({ length: 12 }, (_, hour) => ({
      from: new Date(Date.parse(DAY.from) + hour * 900_000).toISOString(),
      to: DAY.to,
    }));
    const answers = await Promise.all(
      periods.map((period, index) =>
        (index % 2 === 0 ? app : second).post('/api/certificates', {
          as: owner,
          body: { meterId: meter.id, ...period },
        }),
      ),
    );
    expect(statuses(answers)).toEqual([201, ...Array<number>(11).fill(409)]);
    const [certified] = await asOwner<{ wh: string; marked: string }>(
      app.urls,
      `SELECT (SELECT sum(energy_wh) FROM certificate_issuances WHERE meter_id = $1) AS wh,
              (SELECT sum(generated_wh) FROM meter_readings WHERE meter_id = $1 AND certified) AS marked`,
      [meter.id],
    );
    expect(certified?.wh).toBe(certified?.marked);
  });

  it('certifies periods that lie side by side all, and never more than was generated', async () => {
    const periods = Array.from({ length: 24 }, (_, hour) => ({
      from: new Date(Date.parse(DAY.from) + hour * 3_600_000).toISOString(),
      to: new Date(Date.parse(DAY.from) + (hour + 1) * 3_600_000).toISOString(),
    }));
    const answers = await Promise.all(
      periods.map((period) =>
        app.post('/api/certificates', { as: owner, body: { meterId: meter.id, ...period } }),
      ),
    );
    expect(statuses(answers)).toEqual(Array<number>(24).fill(201));
    expect(new Set(answers.map(({ body }) => body.certificateId)).size).toBe(24);
    expect(new Set(answers.map(({ body }) => body.energyKwh))).toEqual(new Set(['0.400']));
  });

  it('certifies what a reading says, however it is revised meanwhile', async () => {
    const revise = (wh: number) => generates(app, meter, DAY.from, Array<number>(96).fill(wh));
    const [issued] = await Promise.all([
      app.post('/api/certificates', { as: owner, body: { meterId: meter.id, ...DAY } }),
      revise(90),
      revise(80),
      revise(70),
    ]);
    expect(issued.status).toBe(201);
    const [row] = await asOwner<{ wh: string }>(
      app.urls,
      'SELECT sum(generated_wh) / 1000.0 AS wh FROM meter_readings WHERE meter_id = $1',
      [meter.id],
    );
    expect(Number(row?.wh)).toBe(Number(issued.body.energyKwh));
  });

  /** Holds a certificate's row until both requests have read it and wait to write it. */
  async function together(number: string, requests: readonly (() => Promise<Answer>)[]): Promise<Answer[]> {
    const holder = new Client({ connectionString: app.urls.ownerUrl });
    await holder.connect();
    try {
      await holder.query('BEGIN');
      await holder.query('SELECT 1 FROM erc_certificates WHERE certificate_id = $1 FOR UPDATE', [number]);
      const running = requests.map((request) => request());
      const waiting = `SELECT count(*)::integer AS waiting FROM pg_stat_activity
                        WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%UPDATE erc_certificates%'`;
      for (let seen = 0; seen < requests.length;) {
        seen = (await asOwner<{ waiting: number }>(app.urls, waiting))[0]?.waiting ?? 0;
      }
      await holder.query('COMMIT');
      return await Promise.all(running);
    } finally {
      await holder.end();
    }
  }

  it.each([
    ['transfer', 'transfer'],
    ['transfer', 'retire'],
    ['retire', 'retire'],
  ])('of a %s and a %s at once one wins and the other is told', async (one, other) => {
    const { body } = await app.post('/api/certificates', { as: owner, body: { meterId: meter.id, ...DAY } });
    const bodies: Record<string, unknown> = {
      transfer: { toUserId: ben.id },
      retire: { beneficiary: 'Ben', purpose: 'May' },
    };
    const act = (verb: string, where: TestApp) => () =>
      where.post(`/api/certificates/${body.certificateId}/${verb}`, { as: owner, body: bodies[verb] });
    const answers = await together(body.certificateId, [act(one, app), act(other, second)]);
    expect(statuses(answers)).toEqual([200, 409]);
    expect(answers.find(({ status }) => status === 409)?.body.code).toBe('CERTIFICATE_CHANGED');
    const winner = answers.find(({ status }) => status === 200);
    expect((await app.get(`/api/certificates/${body.certificateId}`)).body.status).toBe(winner?.body.status);
  });
});
