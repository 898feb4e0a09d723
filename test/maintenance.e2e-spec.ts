import { Client } from 'pg';
import { MaintenanceService } from '../src/monitoring/maintenance/maintenance.service';
import { startApp, type Person, type TestApp } from './support/app';
import { asOwner } from './support/database';
import { eventually, until } from './support/eventually';
import { hasMeter } from './support/generation';
import { stopClock } from './support/recurring-jobs';

const MB = 1024 * 1024;

interface Run {
  readonly action: string;
  readonly entity_id: string;
  readonly after: Record<string, unknown>;
}

describe('maintenance', () => {
  let app: TestApp;
  let auditor: Person;
  let maintenance: MaintenanceService;

  beforeAll(async () => {
    app = await startApp();
    auditor = await app.registers({ role: 'auditor' });
    maintenance = app.nest.get(MaintenanceService);
    // It runs here when the tests say so, also where they run at its hour of the week or month.
    await stopClock(app.urls);
  });
  afterAll(() => app.close());

  const owner = <Row = any>(text: string, values: unknown[] = []): Promise<Row[]> =>
    asOwner<Row>(app.urls, text, values);
  const runs = (): Promise<Run[]> =>
    owner(`SELECT action, entity_id, after FROM audit_logs WHERE entity = 'maintenance' ORDER BY id`);
  const report = async () => (await app.get('/api/admin/db/maintenance', { as: auditor })).body;
  const rowOf = async (start: string) =>
    (await report()).rows.find(({ task }: { task: string }) => task.startsWith(start));
  const forget = async () => void (await owner(`DELETE FROM audit_logs WHERE entity = 'maintenance'`));

  /** A session that holds a table as an index build does. */
  async function holds(statement: string): Promise<Client> {
    const client = new Client({ connectionString: app.urls.ownerUrl });
    await client.connect();
    await client.query('BEGIN');
    await client.query(statement);
    return client;
  }
  const waiting = `SELECT FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'gridtokenx maintenance' AND wait_event_type = 'Lock'`;

  describe('before its first run', () => {
    it('is shown with its times, and with nothing to find', async () => {
      const { available, rows, findings } = await report();

      expect(available).toBe(true);
      expect(rows).toMatchObject([
        { task: expect.stringContaining('VACUUM'), schedule: 'Sundays 03:00 UTC', outcome: 'not yet' },
        {
          task: expect.stringContaining('REINDEX'),
          schedule: 'day 1 of each month 04:00 UTC',
          lastRun: null,
        },
        { task: expect.stringContaining('ANALYZE'), schedule: 'after imports', nextRun: null },
      ]);
      expect(new Date(rows[0].nextRun).getUTCDay()).toBe(0);
      expect(Date.parse(rows[0].nextRun)).toBeGreaterThan(Date.now());
      expect(findings).toEqual([]);
    });

    it('is overdue where nobody was there at its time', async () => {
      await owner(`UPDATE migration_history SET applied_at = applied_at - interval '20 days'`);
      const { findings } = await report();
      await owner(`UPDATE migration_history SET applied_at = applied_at + interval '20 days'`);

      expect(findings).toEqual([
        expect.objectContaining({
          severity: 'warn',
          subject: 'maintenance.vacuum',
          detail: expect.stringContaining('has not run for 20 d'),
        }),
      ]);
    });
  });

  describe('of tables', () => {
    afterEach(forget);

    it('vacuums and analyses each of ours, partitions too, and says so', async () => {
      await maintenance.vacuumAll();

      const never = await owner(
        `SELECT relname FROM pg_stat_user_tables
          WHERE schemaname = current_schema() AND (last_vacuum IS NULL OR last_analyze IS NULL)
            AND relid NOT IN (SELECT oid FROM pg_class WHERE relkind = 'p')
            AND relname NOT LIKE '%\\_snapshots\\_%'`, // of which there may be new ones since it began
      );
      expect(never).toEqual([]);
      const [run] = await runs();
      expect(run).toMatchObject({
        action: 'maintenance.vacuumed',
        entity_id: 'all tables',
        after: { durationMs: expect.any(Number), failures: [] },
      });
      expect(await rowOf('VACUUM')).toMatchObject({
        outcome: 'done',
        lastRun: run?.after['startedAt'],
        duration: run?.after['durationMs'],
        detail: `${String(run?.after['tables'])} tables`,
      });
    });

    it('goes on with the others where one fails, and the report names it', async () => {
      await owner('CREATE TABLE flawed (id int)');
      await owner(`CREATE FUNCTION flaw(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$
        BEGIN RETURN 1 / $1; END $$`);
      await owner('CREATE INDEX flawed_index ON flawed (flaw(id))');
      await owner('INSERT INTO flawed VALUES (1), (2)');
      await owner(`CREATE OR REPLACE FUNCTION flaw(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$
        BEGIN RETURN 1 / 0; END $$`);
      await maintenance.vacuumAll();
      await owner('DROP TABLE flawed');
      await owner('DROP FUNCTION flaw');

      const [run] = await runs();
      expect(run?.after['failures']).toEqual([expect.stringMatching(/^flawed: division by zero/)]);
      expect(run?.after['tables']).toBeGreaterThan(10);
      const { rows, findings } = await report();
      expect(rows[0]).toMatchObject({ outcome: 'partly' });
      expect(findings).toEqual([
        expect.objectContaining({
          subject: 'maintenance.vacuum',
          detail: expect.stringContaining('flawed: division by zero'),
        }),
      ]);
    });

    it('is not begun twice: a job that was taken for dead finds that it is still at work', async () => {
      const holder = await holds('LOCK TABLE users IN SHARE UPDATE EXCLUSIVE MODE');
      const first = maintenance.vacuumAll();
      await until(async () => (await owner(waiting)).length === 1);
      await maintenance.vacuumAll();

      expect(await runs()).toEqual([]);
      expect(await rowOf('VACUUM')).toMatchObject({ outcome: 'running' });
      await holder.end();
      await first;
      expect(await runs()).toHaveLength(1);
    });
  });

  describe('of indexes', () => {
    afterEach(forget);

    it('rebuilds those that hold too much of nothing, parts too, and no others', async () => {
      await owner('CREATE TABLE swollen (id int, at int) PARTITION BY RANGE (at)');
      // An analysis by autovacuum that began before the rows were deleted would keep them from being vacuumed away.
      const alone = 'WITH (autovacuum_enabled = false)';
      await owner(`CREATE TABLE swollen_1 PARTITION OF swollen FOR VALUES FROM (1) TO (2) ${alone}`);
      await owner('CREATE INDEX swollen_id ON swollen (id)');
      await owner(`CREATE TABLE sound (id int) ${alone}`);
      await owner('CREATE INDEX sound_id ON sound (id)');
      await owner('INSERT INTO swollen SELECT n, 1 FROM generate_series(1, 1000000) AS n');
      await owner('INSERT INTO sound SELECT n FROM generate_series(1, 1000000) AS n');
      await owner('DELETE FROM swollen WHERE id % 10 <> 0');
      await owner('VACUUM (ANALYZE) swollen, sound');
      const size = async () =>
        (await owner<{ bytes: number }>(`SELECT pg_relation_size('swollen_1_id_idx')::float8 AS bytes`))[0]
          ?.bytes ?? 0;
      const before = await size();

      await maintenance.rebuildBloated();

      expect(before).toBeGreaterThan(20 * MB);
      expect(await size()).toBeLessThan(before / 5);
      expect(await runs()).toMatchObject([
        {
          action: 'maintenance.reindexed',
          after: {
            rebuilt: [{ index: 'swollen_1_id_idx', bytesBefore: before, bytesAfter: await size() }],
            failures: [],
          },
        },
      ]);
      expect((await rowOf('REINDEX')).detail).toMatch(
        /^1 of \d+ indexes rebuilt, (19|20)(\.\d)? MB given back$/,
      );
      await maintenance.rebuildBloated();
      expect((await runs())[1]).toMatchObject({ after: { rebuilt: [] } });
      await owner('DROP TABLE swollen, sound');
    });
  });

  describe('after imports', () => {
    afterEach(async () => {
      // What is asked for a second time is done at the next minute.
      await owner(`DELETE FROM pgboss.job WHERE name = 'maintenance.analyze' AND state < 'active'`);
      await forget();
    });
    const imported = () =>
      owner(`SELECT state FROM pgboss.job WHERE name = 'maintenance.analyze' AND data->>'table' = 'meters'`);

    it('says when there was nothing to analyse', async () => {
      await maintenance.analyzeSoon('no_such_table', 10_000);
      await until(async () => (await runs()).length === 1);

      expect(await rowOf('ANALYZE')).toMatchObject({ about: 'no_such_table', outcome: 'failed' });
      expect((await report()).findings).toMatchObject([
        { severity: 'critical', detail: 'failed for there is no table no_such_table' },
      ]);
    });

    it('of readings lets their partitions be analysed, and the whole table once an hour', async () => {
      const meter = await hasMeter(app, app.admin);
      const quarter = (index: number) => new Date(Date.UTC(2026, 0, 1, 0, 15 * index)).toISOString();
      const lines = Array.from({ length: 10_000 }, (_, index) => `${meter.serial},${quarter(index)},15,1,0`);
      const header = 'meter_serial,interval_start,interval_minutes,generated_wh,consumed_wh';
      const upload = await app.post('/api/meters/readings', {
        as: app.admin,
        headers: { 'content-type': 'text/csv' },
        body: [header, ...lines].join('\n'),
      });
      expect(upload).toMatchObject({ status: 200, body: { accepted: 10_000 } });

      const analyzed = async () => (await runs()).map(({ entity_id: table }) => table);
      const months = ['01', '02', '03', '04'].map((month) => `meter_readings_2026_${month}`);
      await until(async () => (await runs()).length >= 1 + months.length);
      expect((await analyzed()).sort()).toEqual(['meter_readings', ...months]);
      expect(new Set((await runs()).map(({ action }) => action))).toEqual(new Set(['maintenance.analyzed']));
      const [parent] = await owner(
        `SELECT reltuples::int AS rows FROM pg_class WHERE relname = 'meter_readings'`,
      );
      expect(parent).toEqual({ rows: 10_000 });
      // All of an hour who ask for the whole share one run, and one more when it is over.
      await maintenance.analyzeSoon('meter_readings', 10_000, ['meter_readings_2026_01']);
      const spans = await owner(
        `SELECT DISTINCT singleton_on = date_trunc('hour', singleton_on) AS hourly FROM pgboss.job
          WHERE name = 'maintenance.analyze' AND data->>'table' = 'meter_readings'`,
      );
      expect(spans).toEqual([{ hourly: true }]);
    });

    it('lets a table be analysed once at once, and once more for all who follow', async () => {
      const lastAnalyze = async () =>
        (await owner(`SELECT last_analyze FROM pg_stat_user_tables WHERE relname = 'meters'`))[0]
          ?.last_analyze as Date | null;
      const analyzed = await lastAnalyze();
      const before = (await imported()).length;
      await maintenance.analyzeSoon('meters', 9_999);
      expect(await imported()).toHaveLength(before);

      await Promise.all([1, 2, 3, 4].map(() => maintenance.analyzeSoon('meters', 10_000)));

      await eventually(lastAnalyze, (after) => after !== null && after.getTime() !== analyzed?.getTime());
      const isDone = ({ entity_id: table }: Run) => table === 'meters';
      await until(async () => (await runs()).some(isDone));
      // One more where a minute ended meanwhile.
      const asked = (await imported()).length - before;
      expect([2, 3]).toContain(asked);
      expect((await runs()).find(isDone)?.action).toBe('maintenance.analyzed');
      expect(await rowOf('ANALYZE')).toMatchObject({ about: 'meters', outcome: 'done' });
    });
  });

  it('that is under way ends with the process, and leaves no record of a failure', async () => {
    const other = await startApp({}, app.urls);
    const holder = await holds('LOCK TABLE users IN SHARE UPDATE EXCLUSIVE MODE');
    const work = other.nest.get(MaintenanceService).vacuumAll();
    const outcome = work.then(
      () => 'done',
      (error: Error) => error.message,
    );
    await until(async () => (await owner(waiting)).length === 1);
    await other.close();

    expect(await outcome).toContain('The process ends');
    expect(await owner(waiting)).toEqual([]);
    await holder.end();
    expect((await runs()).filter(({ action }) => action.includes('vacuum'))).toEqual([]);
  });
});
