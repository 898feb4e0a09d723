import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { Client } from 'pg';
import { indexCatalogue } from '../src/database/indexes/index-catalogue';
import { drift } from '../src/monitoring/reports/drift.report';
import { ReportDatabase } from '../src/monitoring/reports/report-database';
import { readReport, sourceOf } from '../src/monitoring/reports/report-reader';
import { ReportsService } from '../src/monitoring/reports/reports.service';
import { startApp, type Person, type TestApp } from './support/app';
import { asOwner, migratedDatabase } from './support/database';
import { eventually, until } from './support/eventually';

const DB = '/api/admin/db';
/** Each of the blocks is a subtransaction with a number of its own. */
const TRANSACTIONS = `
  DO $$ BEGIN
    CREATE TEMPORARY TABLE written (id int) ON COMMIT DROP;
    FOR n IN 1..112000 LOOP BEGIN INSERT INTO written VALUES (n); EXCEPTION WHEN division_by_zero THEN NULL; END; END LOOP;
  END $$`;

interface FoundFinding {
  readonly severity: string;
  readonly subject: string;
  readonly detail: string;
  readonly remedy: string;
}

describe('reports on what PostgreSQL does', () => {
  let app: TestApp;
  let auditor: Person;
  let clients: Client[] = [];

  beforeAll(async () => {
    app = await startApp({ DB_POOL_MAX: '4' });
    auditor = await app.registers({ role: 'auditor' });
  });
  afterEach(async () => {
    await Promise.all(clients.map((client) => client.end()));
    clients = [];
  });
  afterAll(() => app.close());

  /** A session of the owner that is gone after the test, and its process on the server. */
  const session = async (name: string) => {
    const client = new Client({ connectionString: app.urls.ownerUrl, application_name: name });
    client.on('error', () => undefined);
    await client.connect();
    clients.push(client);
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    return { client, pid: rows[0]?.pid ?? 0 };
  };
  const report = async (name: string) => {
    const { status, body } = await app.get(`${DB}/${name}`, { as: auditor });
    if (status !== 200 || body.available !== true)
      throw new Error(`${name}: ${status} ${JSON.stringify(body)}`);
    return body;
  };
  const findingOn = (body: { findings: FoundFinding[] }, subject: string) =>
    body.findings.find((finding) => finding.subject === subject);
  const untilFound = (name: string, subject: string) =>
    eventually(
      () => report(name),
      (body) => findingOn(body, subject) !== undefined,
    );

  describe('locks', () => {
    beforeAll(async () => {
      const { client } = await session('setup');
      await client.query('CREATE TABLE doors (id int PRIMARY KEY, owner text)');
      await client.query(`INSERT INTO doors VALUES (1, 'a'), (2, 'b')`);
    });

    it('show who waits for whom as a tree, and how to end who stands at the top', async () => {
      const [first, second, third] = [
        await session('first of three'),
        await session('second of three'),
        await session('third of three'),
      ];
      for (const { client } of [first, second]) await client.query('BEGIN');
      await first.client.query('UPDATE doors SET owner = $1 WHERE id = 1', ['c']);
      await second.client.query('UPDATE doors SET owner = $1 WHERE id = 2', ['d']);
      const waiting = [second.client.query(`UPDATE doors SET owner = 'a secret' WHERE id = 1`)];
      await untilFound('locks', `session ${first.pid}`);
      waiting.push(third.client.query('UPDATE doors SET owner = NULL WHERE id = 2'));
      const body = await eventually(
        () => report('locks'),
        ({ rows }) => rows.length === 3,
      );

      expect(body.rows).toMatchObject([
        { depth: 0, pid: first.pid, blockedBy: [], lock: null, state: 'idle in transaction' },
        {
          depth: 1,
          pid: second.pid,
          blockedBy: [String(first.pid)],
          lock: 'transactionid ShareLock',
          relation: 'doors',
          application: 'second of three',
          state: 'active',
          statement: 'UPDATE doors SET owner = ? WHERE id = ?',
        },
        { depth: 2, pid: third.pid, blockedBy: [String(second.pid)], relation: 'doors' },
      ]);
      expect(Date.parse(body.rows[1].waitingSince)).toBeLessThanOrEqual(
        Date.parse(body.rows[2].waitingSince),
      );
      expect(body.findings).toEqual([
        {
          severity: 'warn',
          subject: `session ${first.pid}`,
          detail: expect.stringMatching(
            /^first of three, idle in transaction for .+ keeps 2 waiting, the longest for /,
          ),
          remedy: expect.stringContaining(`/api/admin/db/backends/${first.pid}/terminate`),
        },
      ]);
      expect(body.summary).toEqual({ waiting: 2, roots: 1 });

      for (const { client } of [first, second]) {
        await client.query('ROLLBACK');
        await waiting.shift();
      }
      expect((await report('locks')).rows).toEqual([]);
    });

    it('name a statement at work that can be cancelled, and what waits in the queue behind a waiting one', async () => {
      const [reader, changer, latecomer] = [
        await session('reader'),
        await session('changer'),
        await session('latecomer'),
      ];
      const reads = reader.client.query('SELECT pg_sleep(60) FROM doors').catch(() => undefined);
      await until(async () => (await report('connections')).rows.some(isActive('reader')));
      const changes = changer.client.query('ALTER TABLE doors ADD COLUMN colour text');
      await untilFound('locks', `session ${reader.pid}`);
      const comes = latecomer.client.query('SELECT count(*) FROM doors');
      const body = await eventually(
        () => report('locks'),
        ({ rows }) => rows.length === 3,
      );

      expect(body.rows.map(({ depth, pid }: { depth: number; pid: number }) => [depth, pid])).toEqual([
        [0, reader.pid],
        [1, changer.pid],
        [2, latecomer.pid],
      ]);
      expect(body.rows[1]).toMatchObject({ lock: 'relation AccessExclusiveLock', relation: 'doors' });
      expect(findingOn(body, `session ${reader.pid}`)?.remedy).toContain(
        `/api/admin/db/backends/${reader.pid}/cancel`,
      );

      await asOwner(app.urls, 'SELECT pg_cancel_backend($1)', [reader.pid]);
      await reads;
      await Promise.all([changes, comes]);
    });
  });

  it('long-running names a statement and an idle transaction, with its age', async () => {
    const [busy, idle] = [await session('busy person'), await session('absent person')];
    const sleeps = busy.client.query(`SELECT pg_sleep(60), 'a secret'`).catch(() => undefined);
    await idle.client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    await idle.client.query('SELECT 42');
    const kindOf = (answer: any, { pid }: { readonly pid: number }) =>
      answer.rows.find((row: { pid: number }) => row.pid === pid)?.kind;
    // Its transaction takes too long a moment before its idleness does.
    const body = await eventually(
      () => report('long-running'),
      (answer) => kindOf(answer, busy) === 'statement' && kindOf(answer, idle) === 'idle in transaction',
    );

    expect(body.rows).toContainEqual(
      expect.objectContaining({
        pid: busy.pid,
        kind: 'statement',
        wait: 'Timeout: PgSleep',
        statement: 'SELECT pg_sleep(?), ?',
      }),
    );
    expect(findingOn(body, `session ${busy.pid}`)).toMatchObject({
      severity: 'warn',
      detail: expect.stringMatching(/^busy person as .+: statement for /),
      remedy: expect.stringContaining(`/backends/${busy.pid}/cancel`),
    });
    const row = body.rows.find(({ pid }: { pid: number }) => pid === idle.pid);
    expect(row).toMatchObject({ kind: 'idle in transaction', statement: 'SELECT ?' });
    expect(row.duration).toBeGreaterThanOrEqual(5_000);
    expect(row.transaction).toBeGreaterThanOrEqual(row.duration);
    expect(Date.now() - Date.parse(row.since)).toBeGreaterThanOrEqual(5_000);
    expect(findingOn(body, `session ${idle.pid}`)?.remedy).toContain(`/backends/${idle.pid}/terminate`);
    await asOwner(app.urls, 'SELECT pg_cancel_backend($1)', [busy.pid]);
    await sleeps;
  });

  describe('pool', () => {
    it('shows this process, its limit and every other application', async () => {
      await session('a neighbour');
      const body = await report('pool');

      expect(body.rows[0]).toMatchObject({ client: 'this process', waiting: 0, limit: 4 });
      expect(body.rows).toContainEqual(
        expect.objectContaining({ pool: 'a neighbour', total: 1, idle: 1, limit: null }),
      );
      expect(body.rows).toContainEqual(expect.objectContaining({ pool: 'gridtokenx' }));
      expect(body.summary).toMatchObject({
        cores: availableParallelism(),
        rule: 2 * availableParallelism() + 1,
      });
      expect(findingOn(body, 'pool of this process')).toBeUndefined();
    });

    it('names who waits while all connections are taken', async () => {
      let release = (): void => undefined;
      const held = new Promise<void>((resolve) => (release = resolve));
      const holders = Array.from({ length: 4 }, () => app.database.transaction(() => held));
      await until(() => app.database.poolState().total - app.database.poolState().idle === 4);
      const waits = app.database.query('SELECT 1');
      // A request would wait for a connection itself, to have its session checked.
      const body = await app.nest.get(ReportsService).read('pool', { limit: 50 }).finally(release);

      expect(body.rows[0]).toMatchObject({ total: 4, active: 4, idle: 0, waiting: expect.any(Number) });
      expect(body.findings).toContainEqual({
        severity: 'warn',
        subject: 'pool of this process',
        remedy: expect.stringContaining('DB_POOL_MAX'),
        detail: expect.stringMatching(/^\d waits? for a connection while 4 of 4 connections are taken$/),
      });
      await Promise.all([...holders, waits]);
    });
  });

  it('wraparound names a table that should have been frozen, and shows how far every database is', async () => {
    const { client } = await session('keeps autovacuum out');
    await client.query('CREATE TABLE ledgers_of_old (id int) WITH (autovacuum_freeze_max_age = 100000)');
    await client.query('BEGIN');
    await client.query('LOCK TABLE ledgers_of_old IN SHARE UPDATE EXCLUSIVE MODE');
    await asOwner(app.urls, TRANSACTIONS);
    const body = await report('wraparound');

    expect(body.rows).toContainEqual(
      expect.objectContaining({ kind: 'table', name: 'ledgers_of_old', forcedAt: 100_000 }),
    );
    expect(findingOn(body, 'ledgers_of_old')).toMatchObject({
      severity: 'warn',
      detail: expect.stringMatching(/^the table is 1\d\d \d{3} transactions old, 0\.0 % of the limit/),
      remedy: expect.stringContaining('VACUUM (FREEZE) ledgers_of_old'),
    });
    const name = new URL(app.urls.ownerUrl).pathname.slice(1);
    const database = body.rows.find((row: { name: string }) => row.name === name);
    expect(database.age).toBeGreaterThan(110_000);
    expect(database.share).toBeCloseTo(database.age / 2 ** 31);
    expect(findingOn(body, name)).toBeUndefined();
    await client.query('ROLLBACK');
    await client.query('DROP TABLE ledgers_of_old');
  });

  describe('sequences', () => {
    beforeAll(async () => {
      await asOwner(
        app.urls,
        `CREATE TABLE tickets (id int GENERATED ALWAYS AS IDENTITY, small smallserial, "Odd 1" bigserial);
         CREATE SEQUENCE numbers;
         CREATE TABLE coupons (id int DEFAULT nextval('numbers'));
         ALTER SEQUENCE "tickets_Odd 1_seq" AS int;
         CREATE SEQUENCE rounds MAXVALUE 100 CYCLE;
         CREATE SEQUENCE backwards AS smallint INCREMENT -1;
         SELECT setval('tickets_id_seq', 2000000000), setval('tickets_small_seq', 25000), setval('numbers', 1700000000),
                setval('"tickets_Odd 1_seq"', 2147483647), setval('rounds', 99), setval('backwards', -32000)`,
      );
    });

    it.each([
      ['tickets_id_seq', 'critical', 'ALTER COLUMN id TYPE bigint'],
      ['tickets_small_seq', 'warn', 'ALTER COLUMN small TYPE bigint'],
      ['numbers', 'warn', 'change id of coupons to bigint'],
      ['"tickets_Odd 1_seq"', 'critical', 'ALTER SEQUENCE "tickets_Odd 1_seq" AS bigint'],
      ['backwards', 'critical', 'ALTER SEQUENCE backwards AS bigint'],
    ])('near their end are named: %s', async (subject, severity, remedy) => {
      expect(findingOn(await report('sequences'), subject)).toMatchObject({
        severity,
        remedy: expect.stringContaining(remedy),
      });
    });

    it('are shown with the narrowest limit, and left alone where they begin again', async () => {
      const body = await report('sequences');

      expect(body.rows).toContainEqual({
        sequence: 'numbers',
        column: 'coupons.id',
        columnType: 'integer',
        sequenceType: 'bigint',
        last: '1700000000',
        limit: '2147483647',
        used: expect.closeTo(0.7916),
        cycles: false,
      });
      expect(body.rows).toContainEqual(expect.objectContaining({ sequence: 'rounds', cycles: true }));
      expect(findingOn(body, 'rounds')).toBeUndefined();
    });
  });

  it('replication names a slot that nobody reads, with what it keeps', async () => {
    const slot = `left_${randomBytes(6).toString('hex')}`;
    await asOwner(app.urls, 'SELECT pg_create_physical_replication_slot($1, true)', [slot]);
    try {
      const body = await report('replication');

      const row = body.rows.find(({ name }: { name: string }) => name === slot);
      expect(row).toMatchObject({ kind: 'slot', state: 'physical', active: false, walStatus: 'reserved' });
      expect(row.retainedBytes).toBeGreaterThanOrEqual(0);
      expect(findingOn(body, slot)).toMatchObject({
        severity: 'warn',
        detail: expect.stringMatching(/read by nobody and keeps .+ of WAL/),
        remedy: expect.stringContaining(`pg_drop_replication_slot('${slot}')`),
      });
      expect(body.notes).toContain('max_slot_wal_keep_size is -1: slots may fill the disk');
    } finally {
      await asOwner(app.urls, 'SELECT pg_drop_replication_slot($1)', [slot]);
    }
    expect(findingOn(await report('replication'), slot)).toBeUndefined();
  });

  it('space shows tables with their indexes, TOAST and partitions, and the WAL', async () => {
    await asOwner(
      app.urls,
      `CREATE TABLE letters (id int PRIMARY KEY, text text);
       ALTER TABLE letters ALTER text SET STORAGE EXTERNAL;
       INSERT INTO letters SELECT n, repeat('x', 10000) FROM generate_series(1, 200) AS n;
       CREATE TABLE parcels (id int) PARTITION BY LIST (id);
       CREATE TABLE parcels_1 PARTITION OF parcels FOR VALUES IN (1) WITH (autovacuum_enabled = off);
       CREATE TABLE parcels_2 PARTITION OF parcels FOR VALUES IN (2) PARTITION BY LIST (id);
       CREATE TABLE parcels_2_2 PARTITION OF parcels_2 FOR VALUES IN (2) WITH (autovacuum_enabled = off);
       INSERT INTO parcels SELECT 1 + n % 2 FROM generate_series(1, 5000) AS n`,
    );
    const body = await report('space');

    const named = new Map(body.rows.map((row: { name: string }) => [row.name, row]));
    const letters: any = named.get('letters');
    expect(letters.toastBytes).toBeGreaterThan(200 * 10_000);
    expect(letters.indexBytes).toBeGreaterThan(0);
    expect(letters.rowsBytes + letters.indexBytes + letters.toastBytes).toBe(letters.bytes);
    const [parts] = await asOwner<{ bytes: number }>(
      app.urls,
      `SELECT (pg_total_relation_size('parcels_1') + pg_total_relation_size('parcels_2_2'))::int AS bytes`,
    );
    expect(named.get('parcels')).toMatchObject({ partitions: 2, bytes: parts?.bytes });
    expect(named.has('parcels_1')).toBe(false);
    expect(named.get('of the server')).toMatchObject({ kind: 'WAL', bytes: expect.any(Number) });
    const sizes = body.rows.map(({ bytes }: { bytes: number }) => bytes);
    expect(sizes).toEqual(sizes.toSorted((a: number, b: number) => b - a));
  });

  describe('drift', () => {
    it('is empty where the database is as the code declares', async () => {
      const urls = await migratedDatabase();
      const database = new ReportDatabase(urls);
      const body = await readReport(drift, await sourceOf(database), { limit: 50 });
      await database.onApplicationShutdown();

      expect(body).toMatchObject({ rows: [], findings: [], summary: { differences: 0 } });
    });

    it('names an index that was dropped, one that nobody declared, and migrations', async () => {
      const [index] = await asOwner<{ name: string; definition: string }>(
        app.urls,
        `SELECT indexname AS name, indexdef AS definition FROM pg_indexes WHERE indexname = $1`,
        [indexCatalogue()[0]?.name],
      );
      const undo: string[] = [];
      const does = async (text: string, back: string) => {
        await asOwner(app.urls, text);
        undo.push(back);
      };
      await does(`DROP INDEX ${index?.name}`, index?.definition ?? '');
      await does('CREATE INDEX of_nobody ON users (created_at, updated_at)', 'DROP INDEX of_nobody');
      await does(
        `CREATE TABLE kept AS SELECT * FROM migrations WHERE id = (SELECT max(id) FROM migrations);
         DELETE FROM migrations USING kept WHERE migrations.id = kept.id`,
        'INSERT INTO migrations SELECT * FROM kept; DROP TABLE kept',
      );
      await does(
        `UPDATE migration_history SET checksum = 'was ' || checksum WHERE name LIKE 'Users%'`,
        `UPDATE migration_history SET checksum = substr(checksum, 5) WHERE checksum LIKE 'was %'`,
      );
      const body = await report('drift');
      for (const back of undo) await asOwner(app.urls, back);

      expect(findingOn(body, index?.name ?? '')).toMatchObject({
        severity: 'warn',
        detail: expect.stringContaining('is declared and not there'),
        remedy: expect.stringContaining('npm run db:indexes'),
      });
      expect(findingOn(body, 'of_nobody')).toMatchObject({ severity: 'info' });
      expect(body.rows).toContainEqual(expect.objectContaining({ kind: 'migration', state: 'pending' }));
      expect(body.rows).toContainEqual(expect.objectContaining({ kind: 'migration', state: 'changed' }));
      expect(body.summary.differences).toBe(4);
    });
  });

  describe('vacuum', () => {
    beforeAll(async () => {
      const { client } = await session('setup');
      await client.query(
        `CREATE TABLE bills (id int, text text) WITH (autovacuum_enabled = off, autovacuum_vacuum_scale_factor = 0,
           autovacuum_vacuum_threshold = 500, autovacuum_vacuum_insert_threshold = -1);
         CREATE TABLE logs (id int) WITH (autovacuum_enabled = off, autovacuum_vacuum_insert_threshold = 300,
           autovacuum_vacuum_insert_scale_factor = 0, autovacuum_analyze_threshold = 100000);
         INSERT INTO bills SELECT n, repeat('x', 500) FROM generate_series(1, 20000) AS n`,
      );
      await client.query('SELECT pg_stat_force_next_flush()');
      await client.query('VACUUM (ANALYZE) bills');
      await client.query('DELETE FROM bills WHERE id <= 600');
      await client.query('INSERT INTO logs SELECT generate_series(1, 400)');
      await client.query('SELECT pg_stat_force_next_flush()');
    });

    it('names tables with dead rows or many new ones, by their own thresholds', async () => {
      const body = await untilFound('vacuum', 'bills');

      expect(body.rows).toContainEqual(
        expect.objectContaining({
          table: 'bills',
          state: 'vacuum due, autovacuum off',
          nDeadTup: 600,
          vacuumAt: 500,
          insertVacuumAt: null,
          lastVacuum: expect.any(String),
          lastAutovacuum: null,
          lastAnalyze: expect.any(String),
          lastAutoanalyze: null,
        }),
      );
      expect(findingOn(body, 'bills')).toEqual({
        severity: 'warn',
        subject: 'bills',
        detail: '600 dead rows, vacuumed at 500, and autovacuum is off for it',
        remedy: 'VACUUM (ANALYZE) bills; ALTER TABLE bills RESET (autovacuum_enabled)',
      });
      expect(findingOn(body, 'logs')?.detail).toContain(
        '400 rows inserted since the last vacuum, vacuumed at 300',
      );
      expect(body.rows.find(({ table }: { table: string }) => table === 'logs').analyzeAt).toBeGreaterThan(
        100_000 - 1,
      );
    });

    it('shows how far a vacuum is', async () => {
      const { client, pid } = await session('slow vacuum');
      await client.query('SET vacuum_cost_delay = 100');
      await client.query('SET vacuum_cost_limit = 1');
      const runs = client.query('VACUUM (DISABLE_PAGE_SKIPPING) bills').catch(() => undefined);
      // Autovacuum may be at another table.
      const seen = ({ rows }: { rows: { table: string; state: string; done: number | null }[] }) =>
        rows.find(({ state }) => state.startsWith(`VACUUM by ${pid}:`));
      const body = await eventually(
        () => report('vacuum'),
        (answer) => Number(seen(answer)?.done) > 0,
      );
      await asOwner(app.urls, 'SELECT pg_cancel_backend($1)', [pid]);
      await runs;

      expect(seen(body)).toMatchObject({ table: 'bills', state: `VACUUM by ${pid}: scanning heap` });
      expect(seen(body)?.done).toBeLessThan(1);
      expect(body.findings).toContainEqual({
        severity: 'info',
        subject: 'bills',
        detail: `VACUUM runs in session ${pid}: scanning heap`,
        remedy: expect.stringContaining(`/backends/${pid}/cancel`),
      });
    });

    it('shows a build of an index that waits for a transaction', async () => {
      const [holder, builder] = [await session('old snapshot'), await session('builder')];
      await holder.client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
      await holder.client.query('SELECT count(*) FROM logs');
      const builds = builder.client.query('CREATE INDEX CONCURRENTLY logs_id ON logs (id)');
      const body = await eventually(
        () => report('vacuum'),
        ({ rows }) =>
          String(rows[0]?.state).startsWith(`CREATE INDEX CONCURRENTLY by ${builder.pid}: waiting`),
      );

      expect(body.rows[0].table).toBe('logs');
      await holder.client.query('COMMIT');
      await builds;
    });
  });

  describe('settings', () => {
    const database = () => new URL(app.urls.ownerUrl).pathname.slice(1);
    const inDatabase = (text: string) => asOwner(app.urls, `ALTER DATABASE ${database()} ${text}`);

    it('show what this database sets at once, and advise against it', async () => {
      expect(findingOn(await report('settings'), 'random_page_cost')).toBeUndefined();
      await inDatabase('SET random_page_cost = 9');
      await inDatabase('SET track_io_timing = off');
      await inDatabase(`SET work_mem = '1GB'`);
      await inDatabase(`SET idle_in_transaction_session_timeout = '1h'`);
      const body = await report('settings');
      for (const name of ['random_page_cost', 'track_io_timing', 'work_mem'])
        await inDatabase(`RESET ${name}`);

      expect(body.rows).toContainEqual({
        setting: 'random_page_cost',
        current: '9',
        unit: null,
        source: 'database',
        advice: '1.1',
        verdict: 'change',
        why: expect.any(String),
      });
      expect(findingOn(body, 'random_page_cost')?.remedy).toContain('RESET random_page_cost');
      expect(findingOn(body, 'track_io_timing')).toBeDefined();
      expect(findingOn(body, 'work_mem')).toMatchObject({
        severity: 'warn',
        detail: expect.stringContaining('it is 1GB and should be'),
      });
      expect(findingOn(body, 'idle_in_transaction_session_timeout')).toBeUndefined();
    });

    it('show the server’s own limits, not those of reports', async () => {
      const { rows, summary } = await report('settings');

      expect(rows).toContainEqual(
        expect.objectContaining({ setting: 'statement_timeout', current: '0', source: 'default' }),
      );
      expect(rows).toContainEqual(
        expect.objectContaining({ setting: 'shared_buffers', current: '256MB', unit: '8kB' }),
      );
      expect(summary.cores).toBe(availableParallelism());
    });

    it('say what is missing for statistics of statements, and what lets a crash destroy the database', async () => {
      await asOwner(app.urls, 'DROP EXTENSION IF EXISTS pg_stat_statements');
      const body = await report('settings');
      await asOwner(app.urls, 'CREATE EXTENSION pg_stat_statements');

      expect(findingOn(body, 'pg_stat_statements')?.remedy).toBe('CREATE EXTENSION pg_stat_statements');
      expect(findingOn(await report('settings'), 'pg_stat_statements')).toBeUndefined();
      expect(findingOn(body, 'fsync')).toMatchObject({
        severity: 'critical',
        remedy: expect.stringContaining('command line'),
      });
    });
  });
});

const isActive =
  (name: string) =>
  ({ application, state }: { application: string; state: string }): boolean =>
    application === name && state === 'active';
