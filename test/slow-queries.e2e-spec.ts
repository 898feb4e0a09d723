import { Logger, type LoggerService } from '@nestjs/common';
import { startApp, type TestApp } from './support/app';
import { eventually } from './support/eventually';

const HOUR_MS = 3_600_000;

interface Line {
  readonly message: string;
  readonly fingerprint: string;
  readonly durationMs?: number;
  readonly rows?: number;
  readonly errorCode?: string;
  readonly leftOut?: number;
  readonly work?: string;
  readonly requestId?: string;
  readonly statement: string;
}

/** Writes down what the slow-query log tells. */
class Recorder implements LoggerService {
  readonly lines: Line[] = [];

  warn(message: unknown, ...context: unknown[]): void {
    if (context.at(-1) === 'SlowQuery') this.lines.push(message as Line);
  }

  log(): void {}
  error(): void {}
}

describe('the log of slow statements', () => {
  let app: TestApp;
  const recorder = new Recorder();
  const of = (pattern: RegExp) => recorder.lines.filter(({ statement }) => pattern.test(statement));

  beforeAll(async () => {
    app = await startApp({ DB_SLOW_QUERY_MS: '0' }, undefined, recorder);
  });
  afterAll(async () => {
    await app.close();
    Logger.overrideLogger(false);
  });

  it('names statement, time, rows, route and request, and tells no value', async () => {
    const { status } = await app.post('/api/organizations', {
      as: app.admin,
      body: { name: 'A name of secrets' },
      headers: { 'x-request-id': 'request-of-the-test' },
    });
    expect(status).toBe(201);
    const [line] = of(/^INSERT INTO organizations/);
    expect(line).toMatchObject({
      message: expect.stringMatching(/^A statement took \d+ ms$/),
      fingerprint: expect.stringMatching(/^[0-9a-f]{16}$/),
      durationMs: expect.any(Number),
      rows: 1,
      work: 'POST /api/organizations',
      requestId: 'request-of-the-test',
    });
    const told = JSON.stringify(recorder.lines);
    for (const value of ['A name of secrets', app.admin.email, app.admin.password, app.admin.id])
      expect(told).not.toContain(value);
  });

  it('names the template of a route, never the URL', async () => {
    const id = '0198c0de-0000-7000-8000-000000000001';
    await app.get(`/api/offers/${id}`, { as: app.admin });
    expect(of(/FROM energy_offers/).map(({ work }) => work)).toContain('GET /api/offers/:id');
    expect(JSON.stringify(recorder.lines)).not.toContain(id);
  });

  it('knows the route behind a body that is read as a stream', async () => {
    const owner = await app.registers();
    const serial = 'SLOW-STREAM-1';
    const meter = { serial, zone: 'north', energySource: 'solar', capacityKw: '5.000', timeZone: 'UTC' };
    await app.post('/api/meters', { as: owner, body: meter });
    const hour = new Date(Math.floor(Date.now() / HOUR_MS) * HOUR_MS - HOUR_MS).toISOString();
    const header = 'meter_serial,interval_start,interval_minutes,generated_wh,consumed_wh';
    const { status, body } = await app.post('/api/meters/readings', {
      as: owner,
      body: `${header}\n${serial},${hour},15,100,20\n`,
      headers: { 'content-type': 'text/csv' },
    });
    expect({ status, accepted: body.accepted }).toEqual({ status: 200, accepted: 1 });
    expect(of(/INSERT INTO meter_readings/)[0]?.work).toBe('POST /api/meters/readings');
  });

  it('knows the job that a statement runs for', async () => {
    await app.post('/api/auth/password/forgot', { body: { email: app.admin.email } });
    const work = await eventually(
      () => recorder.lines.map((line) => line.work ?? ''),
      (names) => names.some((name) => name.startsWith('job ')),
    );
    expect(work.find((name) => name.startsWith('job '))).toMatch(/^job [a-z.-]+$/);
  });

  it("tells of TypeORM's own statements, and how long one took that failed", async () => {
    expect(of(/^COMMIT$/)).toHaveLength(1);
    const failed = app.database.transaction((tx) =>
      tx.manager.query(`SELECT pg_sleep(0.05) IS NULL OR 1 / (random() * 0)::int = 1`),
    );
    await expect(failed).rejects.toMatchObject({ code: '22012' });
    const [line] = of(/random\(\) \*/);
    expect(line).toMatchObject({
      errorCode: '22012',
      statement: 'SELECT pg_sleep(?) IS NULL OR ? / (random() * ?)::int = ?',
    });
    expect(line?.durationMs).toBeGreaterThanOrEqual(50);
  });

  it('tells of a statement once, however often it is slow, and in the end how many were left out', async () => {
    for (let i = 0; i < 7; i++) await app.database.query(`SELECT 'seven times' AS text, $1::int AS i`, [i]);
    expect(of(/^SELECT \? AS text, \$1::int AS i$/)).toHaveLength(1);
    await app.close();
    expect(of(/^SELECT \? AS text, \$1::int AS i$/)[1]).toMatchObject({
      message: expect.stringMatching(
        /^6 more slow runs of a statement were left out, the slowest took \d+ ms$/,
      ),
      leftOut: 6,
    });
  });

  it('says nothing of statements that are quick enough', async () => {
    recorder.lines.length = 0;
    const quick = await startApp({ DB_SLOW_QUERY_MS: '600000' }, undefined, recorder);
    await quick.get('/api/trading/trades');
    expect(recorder.lines).toEqual([]);
    await quick.close();
  });
});
