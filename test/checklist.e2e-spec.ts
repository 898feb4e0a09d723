import { randomUUID } from 'node:crypto';
import { register } from 'prom-client';
import { Client } from 'pg';
import { DataSource } from 'typeorm';
import { CacheService } from '../src/cache/cache.service';
import { currentContext, inContext } from '../src/common/request-context';
import { BOXES } from '../src/monitoring/checklist/boxes';
import { judgeBox, type AnsweredBox, type ChecklistAnswer } from '../src/monitoring/checklist/checklist';
import { ChecklistService } from '../src/monitoring/checklist/checklist.service';
import { QueryEvents } from '../src/database/query-events';
import { recordEvidence } from '../src/monitoring/checklist/evidence';
import { StatementWatch } from '../src/monitoring/checklist/statement-watch';
import { ReportDatabase } from '../src/monitoring/reports/report-database';
import { REPORTS } from '../src/monitoring/reports/reports';
import { operationsOf } from './support/api-calls';
import { startApp, type Person, type TestApp } from './support/app';
import { RedisProcess } from './support/cache-lab';
import { asOwner, migratedDatabase } from './support/database';
import { eventually, until } from './support/eventually';
import { isNamed, namedRoutes } from './support/named-routes';
import { stopClock } from './support/recurring-jobs';

const PATH = '/api/admin/performance/checklist';
const GUIDES = {
  'Performance Optimization Guide': [
    'Database indexes applied',
    'Query plans optimized (EXPLAIN ANALYZE)',
    'Cache service configured',
    'Cache keys defined',
    'Cache TTLs appropriate',
    'Monitoring metrics enabled',
    'Slow query logging enabled',
    'Connection pool configured',
    'Load testing performed',
    'Performance benchmarks established',
  ],
  'Database Performance Optimization': [
    'EXPLAIN ANALYZE on slow queries',
    'Appropriate indexes for common queries',
    'Connection pool properly sized',
    'Redis caching for frequently accessed data',
    'Query pagination implemented',
    'N+1 queries eliminated',
    'Prepared statements used',
    'Database vacuum running regularly',
    'Index bloat monitored',
    'Query timeout configured',
    'Slow query logging enabled',
  ],
};
const HOUR_MS = 3_600_000;

async function boxes(app: TestApp): Promise<readonly AnsweredBox[]> {
  return (await app.nest.get(ChecklistService).read()).boxes;
}

/** That box alone: to judge all of them again and again takes minutes. */
async function box(app: TestApp, name: string): Promise<AnsweredBox> {
  const found = BOXES.find((candidate) => candidate.box === name);
  if (found === undefined) throw new Error(`There is no box ${name}`);
  return judgeBox(found, await app.nest.get(ChecklistService).sight());
}

/** As if a request had been made to a route that runs this. */
const asRequest = <Result>(route: string, run: () => Promise<Result>): Promise<Result> =>
  inContext({ work: route, requestId: randomUUID() }, run);

describe('the performance checklist', () => {
  let app: TestApp;
  let auditor: Person;

  beforeAll(async () => {
    app = await startApp({ DB_POOL_MAX: '2', DB_POOL_MIN: '0' });
    // With a history slow statements are those of the minutes that it knows, and not those of a moment ago.
    await stopClock(app.urls);
    auditor = await app.registers({ role: 'auditor' });
  });
  afterAll(() => app.close());

  const owner = <Row = any>(text: string, values?: unknown[]): Promise<Row[]> =>
    asOwner<Row>(app.urls, text, values);
  const judged = (name: string) => box(app, name);

  it('has every box of both guides, by its name', async () => {
    const { status, body } = await app.get(PATH, { as: auditor });
    const { boxes: found, summary, ofServer } = body as ChecklistAnswer;

    expect(status).toBe(200);
    for (const [guide, names] of Object.entries(GUIDES))
      expect(
        found
          .filter((one) => one.guide === guide)
          .map((one) => one.box)
          .sort(),
      ).toEqual(names.sort());
    expect(found).toHaveLength(21);
    expect(summary.pass + summary.warn + summary.fail).toBe(21);
    expect(ofServer).toBe(true);
    for (const { status: verdict, evidence, remedy } of found) {
      expect(evidence).toMatch(/\w/);
      expect(evidence).not.toContain('could not be judged');
      expect(remedy === null).toBe(verdict === 'pass');
    }
  });

  it('is for admins, operators and auditors alone', async () => {
    const trader = await app.registers();

    expect(await app.get(PATH)).toMatchObject({ status: 401 });
    expect(await app.get(PATH, { as: trader })).toMatchObject({ status: 403 });
  });

  it('names no route that is not there, nor do the reports and their documents', async () => {
    const operations = (await operationsOf(app)).map(({ name }) => name);
    const reports = new Set(REPORTS.map(({ name }) => name));
    const named = namedRoutes([
      'src/monitoring',
      'docs/operations.md',
      'docs/caching.md',
      'monitoring/alerts.yml',
    ]);
    const lost = named.filter((route) => !operations.some((operation) => isNamed(route, operation)));
    const lostReports = named.filter(({ parts: [, , admin, db, ...report] }) => {
      const [first = '*'] = report;
      const isReport =
        admin === 'admin' &&
        db === 'db' &&
        !['*', 'backends', 'tables', 'queries', 'actions'].includes(first);
      return isReport && report.length < 3 && !reports.has(report.join('/'));
    });

    expect(named.length).toBeGreaterThan(50);
    expect(lost.map(({ file, parts }) => `${file}: ${parts.join('/')}`)).toEqual([]);
    expect(lostReports.map(({ file, parts }) => `${file}: ${parts.join('/')}`)).toEqual([]);
  });

  describe('on indexes', () => {
    it('fails while a declared index is away, and passes when it is back', async () => {
      const name = 'idx_energy_offers_marketplace';
      const [{ definition }] = await owner(`SELECT pg_get_indexdef($1::regclass) AS definition`, [name]);
      expect(await judged('Database indexes applied')).toMatchObject({ status: 'pass' });

      await owner(`DROP INDEX ${name}`);
      expect(await judged('Database indexes applied')).toMatchObject({
        status: 'fail',
        evidence: expect.stringContaining(name),
        remedy: expect.stringContaining('npm run db:indexes'),
      });
      await owner(definition);
      expect(await judged('Database indexes applied')).toMatchObject({ status: 'pass' });
    });

    it('is not known while a migration keeps everybody out, and neither passes nor fails', async () => {
      const migrating = new Client({ connectionString: app.urls.ownerUrl });
      await migrating.connect();
      await migrating.query('BEGIN; LOCK TABLE migrations, migration_history');
      const report = await app.get('/api/admin/db/drift', { as: auditor });
      const verdict = await judged('Database indexes applied');
      await migrating.end();

      expect(report).toMatchObject({ status: 200, body: { available: false } });
      expect(verdict).toMatchObject({ status: 'warn', remedy: expect.stringContaining('the report locks') });
      expect(await judged('Database indexes applied')).toMatchObject({ status: 'pass' });
    });

    it('waits for a report that weighs indexes meanwhile', async () => {
      const reports = app.nest.get(ReportDatabase);
      const others = [1, 2].map(() => reports.session((session) => session.query('SELECT pg_sleep(6)')));
      const [verdict] = await Promise.all([judged('Database indexes applied'), ...others]);
      expect(verdict).toMatchObject({ status: 'pass' });
    });

    it('fails while a foreign key of a large table has none', async () => {
      await owner('CREATE TABLE scratch (user_id uuid REFERENCES users, number int)');
      await owner('INSERT INTO scratch (number) SELECT generate_series(1, 5000)');
      await owner('ANALYZE scratch');
      const without = await eventually(
        () => judged('Appropriate indexes for common queries'),
        ({ status }) => status === 'fail',
      );
      expect(without.evidence).toContain('scratch_user_id_fkey');

      await owner('CREATE INDEX ON scratch (user_id)');
      expect(await judged('Appropriate indexes for common queries')).toMatchObject({ status: 'pass' });
      await owner('DROP TABLE scratch');
    });
  });

  it('fails on plans while the application asks something slow again and again', async () => {
    for (let times = 0; times < 5; times++) await app.database.query('SELECT pg_sleep(0.21) AS napped');

    expect(await judged('Query plans optimized (EXPLAIN ANALYZE)')).toMatchObject({
      status: 'fail',
      evidence: expect.stringContaining('AS napped'),
    });
    expect(await judged('EXPLAIN ANALYZE on slow queries')).toMatchObject({
      status: 'fail',
      remedy: expect.stringContaining('/api/admin/db/queries/'),
    });
    await owner(
      `SELECT pg_stat_statements_reset(0, (SELECT oid FROM pg_database WHERE datname = current_database()))`,
    );
    expect(await judged('Query plans optimized (EXPLAIN ANALYZE)')).toMatchObject({ status: 'pass' });
    // A machine that is busy makes others slow, whom nobody asks to be explained here.
    expect(await judged('EXPLAIN ANALYZE on slow queries')).not.toMatchObject({ status: 'fail' });
  });

  it('warns of a plan that reads all of a large table, however quick it is, and goes by the role that asks', async () => {
    const box = 'Query plans optimized (EXPLAIN ANALYZE)';
    await owner(
      'CREATE TABLE scratch AS SELECT n AS id, n % 100 AS kind FROM generate_series(1, 20000) AS n',
    );
    await owner('GRANT SELECT ON scratch TO PUBLIC');
    await owner('ANALYZE scratch');
    for (let times = 0; times < 100; times++)
      await app.database.query('SELECT count(*) FROM scratch WHERE id = $1', [times]);

    const [{ id }] = await owner(`SELECT queryid::text AS id FROM pg_stat_statements
      WHERE query LIKE 'SELECT count(*) FROM scratch%' AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())`);
    expect(await judged(box)).toMatchObject({
      status: 'warn',
      evidence: expect.stringContaining(`${id} reads all 20 000 rows of scratch`),
      remedy: expect.stringContaining(`/api/admin/db/queries/${id}`),
    });
    await owner('CREATE INDEX ON scratch (id)');
    const { username } = new URL(app.urls.applicationUrl);
    expect(await judged(box)).toMatchObject({
      status: 'pass',
      evidence: expect.stringContaining(`no statement that ${username} runs`),
    });
    await owner('DROP TABLE scratch');
  });

  it('warns of a plan that reads all of a partition, and a value says only of which', async () => {
    await owner('CREATE TABLE scratch (id int) PARTITION BY RANGE (id)');
    await owner('CREATE TABLE scratch_full PARTITION OF scratch FOR VALUES FROM (1) TO (20001)');
    await owner('CREATE TABLE scratch_empty PARTITION OF scratch FOR VALUES FROM (20001) TO (30001)');
    await owner('INSERT INTO scratch SELECT generate_series(1, 20000)');
    await owner('GRANT SELECT ON scratch TO PUBLIC');
    await owner('ANALYZE scratch');
    for (let times = 0; times < 100; times++)
      await app.database.query('SELECT count(*) FROM scratch WHERE id = $1', [times]);

    expect(await judged('Query plans optimized (EXPLAIN ANALYZE)')).toMatchObject({
      status: 'warn',
      evidence: expect.stringContaining('reads all 20 000 rows of scratch_full'),
    });
    await owner('DROP TABLE scratch');
  });

  it('fails on metrics until somebody asks for them, and while one is away', async () => {
    expect(await judged('Monitoring metrics enabled')).toMatchObject({
      status: 'fail',
      evidence: expect.stringContaining('never'),
    });
    await app.get('/metrics');
    expect(await judged('Monitoring metrics enabled')).toMatchObject({ status: 'pass' });

    const metric = register.getSingleMetric('trading_operations_total');
    register.removeSingleMetric('trading_operations_total');
    expect(await judged('Monitoring metrics enabled')).toMatchObject({
      status: 'fail',
      evidence: expect.stringContaining('trading_operations_total'),
    });
    if (metric !== undefined) register.registerMetric(metric);
    const now = Date.now();
    const clock = jest.spyOn(Date, 'now').mockReturnValue(now + HOUR_MS);
    expect(await judged('Monitoring metrics enabled')).toMatchObject({ status: 'fail' });
    clock.mockRestore();
    expect(await judged('Monitoring metrics enabled')).toMatchObject({ status: 'pass' });
  });

  it('fails on the pool while somebody waits for a connection', async () => {
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    const holders = [1, 2].map(() => app.database.transaction(() => released));
    await until(() => app.database.poolState().total - app.database.poolState().idle === 2);
    const waiting = app.database.query('SELECT 1');
    await until(() => app.database.poolState().waiting > 0);

    const while_ = await boxes(app);
    const named = (name: string) => while_.find((one) => one.box === name);
    expect(named('Connection pool configured')).toMatchObject({
      status: 'fail',
      evidence: expect.stringMatching(/^\d+ wait.* 2 of 2/),
    });
    expect(named('Connection pool properly sized')).toMatchObject({ status: 'fail' });
    // What is not known for want of a connection is neither well nor wrong.
    expect(named('Query timeout configured')).toMatchObject({
      status: 'warn',
      evidence: expect.stringContaining('could not be judged'),
      remedy: expect.stringContaining('/api/admin/db/pool'),
    });
    release();
    await Promise.all([...holders, waiting]);
    await until(() => app.database.poolState().waiting === 0);
    expect(await judged('Connection pool configured')).not.toMatchObject({ status: 'fail' });
    expect(await judged('Connection pool properly sized')).toMatchObject({ status: 'pass' });
  });

  describe('on evidence', () => {
    afterEach(() => owner('DELETE FROM performance_evidence'));

    it.each([
      ['Load testing performed', 'load-test', 'bench:http'],
      ['Performance benchmarks established', 'benchmark', 'bench:cache'],
    ] as const)('"%s" goes by the latest measurement', async (name, kind, source) => {
      const measured = (missed: string[]) =>
        recordEvidence(app.urls.ownerUrl, { kind, source, missed, figures: { requests: 1_000 } });
      expect(await judged(name)).toMatchObject({ status: 'fail', evidence: expect.stringContaining('none') });

      await measured(['GET /api/offers: 3 errors']);
      expect(await judged(name)).toMatchObject({
        status: 'fail',
        evidence: expect.stringContaining('GET /api/offers: 3 errors'),
        remedy: expect.stringContaining(`npm run ${source}`),
      });
      await measured([]);
      expect(await judged(name)).toMatchObject({ status: 'pass' });
      await owner(`UPDATE performance_evidence SET taken_at = taken_at - interval '91 days'`);
      expect(await judged(name)).toMatchObject({
        status: 'warn',
        evidence: expect.stringContaining('91 days'),
      });
      await measured([]);
      await owner(
        `UPDATE performance_evidence SET release = '0.0.7' WHERE taken_at > now() - interval '1 day'`,
      );
      expect(await judged(name)).toMatchObject({
        status: 'warn',
        evidence: expect.stringContaining('0.0.7'),
      });
    });

    it('is worth what the worst of the commands has shown', async () => {
      const of = (source: string, missed: string[]) =>
        recordEvidence(app.urls.ownerUrl, { kind: 'benchmark', source, missed, figures: {} });
      await of('bench:queries', ['Log-in is too slow']);
      await of('bench:cache', []);

      expect(await judged('Performance benchmarks established')).toMatchObject({
        status: 'fail',
        evidence: expect.stringContaining('Log-in is too slow'),
      });
    });

    it('is nothing that the application can write', async () => {
      const write = app.database.query(
        `INSERT INTO performance_evidence VALUES ('load-test', now(), 'bench:http', '1.0.0', '{}')`,
      );
      await expect(write).rejects.toMatchObject({ code: '42501' });
    });
  });

  describe('on what requests ask', () => {
    let hours = 0;
    /** What was seen is forgotten after a while: an hour later each time. */
    async function anHourLater<Result>(run: () => Promise<Result>): Promise<Result> {
      const real = performance.now.bind(performance);
      hours += 1;
      const clock = jest.spyOn(performance, 'now').mockImplementation(() => real() + hours * HOUR_MS);
      try {
        return await run();
      } finally {
        clock.mockRestore();
      }
    }
    const anyRequest = () => asRequest('GET /scratch/one', () => app.database.query('SELECT 1 AS one'));

    it('costs a request that the cache answers nothing', async () => {
      await app.get('/api/offers');
      const events = app.nest.get(QueryEvents);
      const heard: string[] = [];
      events.subscribe(({ text }) => {
        if (currentContext()?.work?.startsWith('GET ') === true) heard.push(text); // jobs read offers too
      });
      for (let requests = 0; requests < 20; requests++) await app.get('/api/offers');
      expect(heard.filter((text) => text.includes('energy_offers'))).toEqual([]);
    });

    it('is bounded, whatever is asked', () => {
      const events = new QueryEvents();
      const watch = new StatementWatch(events);
      watch.onModuleInit();
      for (let no = 0; no < 3_000; no++)
        inContext({ work: `GET /scratch/${no}`, requestId: 'one' }, () =>
          events.publish({ text: `SELECT ${no}`, seconds: 0, rows: no, prepared: false }),
        );
      const { rows, runs, unprepared } = watch.lately();
      expect(unprepared).toBe(3_000);
      expect(rows.length).toBeLessThanOrEqual(500);
      expect(runs.length).toBeLessThanOrEqual(500);
    });

    it('knows an upload in batches from N+1', async () => {
      await asRequest('POST /scratch/upload', async () => {
        for (let batch = 0; batch < 40; batch++)
          await app.database.query('SELECT n FROM unnest($1::int[]) AS n', [[batch]]);
      });
      expect(await judged('N+1 queries eliminated')).not.toMatchObject({
        evidence: expect.stringContaining('/scratch/upload'),
      });
    });

    it('fails while a request is given more rows than anybody reads', async () => {
      const rows = (count: number) =>
        asRequest('GET /scratch/all', () =>
          app.database.query('SELECT generate_series(1, $1::int) AS all_there_is', [count]),
        );
      await rows(200);
      expect(await judged('Query pagination implemented')).toMatchObject({ status: 'pass' });
      await rows(2_000);
      expect(await judged('Query pagination implemented')).toMatchObject({ status: 'warn' });
      await rows(10_001);
      expect(await judged('Query pagination implemented')).toMatchObject({
        status: 'fail',
        evidence: expect.stringMatching(/GET \/scratch\/all was given 10 001 rows.*AS all_there_is/),
      });
      await anHourLater(async () => {
        await anyRequest();
        expect(await judged('Query pagination implemented')).toMatchObject({ status: 'pass' });
      });
    });

    it('fails while one request runs a statement for each row', async () => {
      const oneByOne = (times: number) =>
        asRequest('GET /scratch/each', async () => {
          for (let no = 0; no < times; no++)
            await app.database.query('SELECT $1::int AS looked_up_alone', [no]);
        });
      for (let requests = 0; requests < 30; requests++) await oneByOne(1);
      expect(await judged('N+1 queries eliminated')).not.toMatchObject({
        evidence: expect.stringContaining('/scratch/each'),
      });
      await oneByOne(10);
      expect(await judged('N+1 queries eliminated')).toMatchObject({ status: 'warn' });
      await oneByOne(20);
      expect(await judged('N+1 queries eliminated')).toMatchObject({
        status: 'fail',
        evidence: expect.stringMatching(/GET \/scratch\/each ran one statement 20 times.*looked_up_alone/),
      });
      await anHourLater(async () => {
        await anyRequest();
        expect(await judged('N+1 queries eliminated')).toMatchObject({ status: 'pass' });
      });
    });

    it('fails while most statements run without a name', async () => {
      const dataSource = app.nest.get(DataSource);
      await anHourLater(async () => {
        for (let times = 0; times < 100; times++) await anyRequest();
        expect(await judged('Prepared statements used')).toMatchObject({ status: 'pass' });
        for (let times = 0; times < 300; times++) await dataSource.query('SELECT 1 AS without_a_name');
        expect(await judged('Prepared statements used')).toMatchObject({
          status: 'fail',
          evidence: expect.stringContaining('without_a_name'),
        });
        for (let times = 0; times < 400; times++) await anyRequest();
        expect(await judged('Prepared statements used')).toMatchObject({ status: 'warn' });
      });
    });
  });

  describe('on upkeep', () => {
    afterEach(() => owner('DROP TABLE IF EXISTS scratch'));

    it('fails while nobody vacuums a table that needs it', async () => {
      expect(await judged('Database vacuum running regularly')).not.toMatchObject({ status: 'fail' });
      await owner('CREATE TABLE scratch (id int) WITH (autovacuum_enabled = false)');
      await owner('INSERT INTO scratch SELECT generate_series(1, 2000)');
      await owner('DELETE FROM scratch');
      const dead = await eventually(
        () => judged('Database vacuum running regularly'),
        ({ status }) => status === 'fail',
      );
      expect(dead.evidence).toMatch(/scratch: 2 000 dead rows/);

      await owner('VACUUM ANALYZE scratch');
      const swept = await eventually(
        () => judged('Database vacuum running regularly'),
        ({ status }) => status !== 'fail',
      );
      expect(swept.evidence).not.toContain('scratch');
    });

    it('fails while an index is mostly empty', async () => {
      await owner('CREATE TABLE scratch (id int) WITH (autovacuum_enabled = false)');
      await owner('INSERT INTO scratch SELECT generate_series(1, 700000)');
      await owner('CREATE INDEX scratch_id ON scratch (id)');
      await owner('DELETE FROM scratch WHERE id % 100 > 0');
      await owner('VACUUM ANALYZE scratch');
      expect(await judged('Index bloat monitored')).toMatchObject({
        status: 'fail',
        evidence: expect.stringContaining('scratch_id'),
        remedy: expect.stringContaining('npm run db:indexes -- --reindex scratch_id'),
      });

      await owner('REINDEX INDEX scratch_id');
      expect(await judged('Index bloat monitored')).not.toMatchObject({ status: 'fail' });
    });
  });

  it('fails while statements of the application may run for ever', async () => {
    const { username, pathname } = new URL(app.urls.applicationUrl);
    const name = 'Query timeout configured';
    const connection = app.nest.get(DataSource);
    // Connections of the application ask for their limit themselves: no default of the role takes it from them.
    await owner(`ALTER ROLE "${username}" IN DATABASE "${pathname.slice(1)}" SET statement_timeout = 0`);
    const fresh = await startApp({}, app.urls);
    expect(await box(fresh, name)).toMatchObject({
      status: 'pass',
      evidence: expect.stringContaining('15s'),
    });
    await fresh.close();
    await owner(`ALTER ROLE "${username}" IN DATABASE "${pathname.slice(1)}" RESET statement_timeout`);

    await onEachConnection(connection, 'SET statement_timeout = 0');
    expect(await judged(name)).toMatchObject({
      status: 'fail',
      evidence: expect.stringContaining('for ever'),
    });
    await onEachConnection(connection, `SET statement_timeout = '20s'`);
    expect(await judged(name)).toMatchObject({ status: 'warn' });
    await onEachConnection(connection, 'RESET statement_timeout');
    expect(await judged(name)).toMatchObject({ status: 'pass' });
  });

  it('fails on the log of slow queries while none is ever slow enough for it', async () => {
    expect(await judged('Slow query logging enabled')).toMatchObject({ status: 'pass' });
    const silent = await startApp({ DB_SLOW_QUERY_MS: '600000' }, app.urls);
    const found = (await boxes(silent)).filter((one) => one.box === 'Slow query logging enabled');
    await silent.close();

    expect(found).toMatchObject([{ status: 'fail' }, { status: 'fail' }]);
  });
});

/** All that the pool of two has, at the same time. */
async function onEachConnection(dataSource: DataSource, text: string): Promise<void> {
  const runners = [1, 2].map(() => dataSource.createQueryRunner());
  await Promise.all(runners.map((runner) => runner.connect()));
  await Promise.all(runners.map((runner) => runner.query(text)));
  await Promise.all(runners.map((runner) => runner.release()));
}

describe('the performance checklist on the cache', () => {
  let redis: RedisProcess;
  let app: TestApp;

  beforeAll(async () => {
    redis = await RedisProcess.start();
    const variables = { REDIS_URL: redis.url, DB_POOL_MAX: '3', DB_ACQUIRE_TIMEOUT_MS: '2000' };
    app = await startApp(variables, await migratedDatabase());
  });
  afterAll(async () => {
    await app.close();
    await redis.stop();
  });

  const cache = (): CacheService => app.nest.get(CacheService);
  /** Asked for so often, of so many different answers. */
  async function lookUp(prefix: string, answers: number, times: number): Promise<void> {
    for (let no = 0; no < answers; no++)
      for (let time = 0; time < times; time++)
        await cache().getOrCompute({ key: [prefix, `scratch${no}`], ttlSeconds: 60, tags: [] }, () =>
          Promise.resolve(no),
        );
  }

  it('warns where there is no Redis', async () => {
    const alone = await startApp({}, app.urls);
    expect(await box(alone, 'Cache service configured')).toMatchObject({
      status: 'warn',
      remedy: expect.stringContaining('REDIS_URL'),
    });
    for (let no = 0; no < 200; no++)
      await alone.nest
        .get(CacheService)
        .getOrCompute({ key: ['scratch', 'alone'], ttlSeconds: 60, tags: [] }, () => Promise.resolve(no));
    expect(await box(alone, 'Redis caching for frequently accessed data')).toMatchObject({
      status: 'warn',
      evidence: expect.stringContaining('of this process alone'),
      remedy: expect.stringContaining('REDIS_URL'),
    });
    await alone.close();
  });

  it('lets in who looks for what is wrong, though others of theirs wait for the same look-up in a jam', async () => {
    const { limit } = app.database.poolState();
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    const holders = Array.from({ length: limit }, () => app.database.transaction(() => released));
    try {
      await until(() => app.database.poolState().total - app.database.poolState().idle === limit);
      await cache().invalidate([`user:${app.admin.id}`]);
      const other = app.get('/api/users/me', { as: app.admin });
      await until(() => app.database.poolState().waiting > 0);

      expect(await app.get('/api/admin/db/pool', { as: app.admin })).toMatchObject({ status: 200 });
      expect(await other).toMatchObject({ status: 503 }); // with which whoever joined it fails too
    } finally {
      release();
      await Promise.all(holders);
    }
    expect(await app.get('/api/users/me', { as: app.admin })).toMatchObject({ status: 200 });
  });

  it('fails on the TTL of a prefix that is hardly ever answered', async () => {
    await lookUp('scratch:short', 150, 1);
    expect(await box(app, 'Cache TTLs appropriate')).toMatchObject({
      status: 'fail',
      evidence: expect.stringContaining('scratch:short'),
    });
    expect(await box(app, 'Redis caching for frequently accessed data')).toMatchObject({ status: 'fail' });

    await lookUp('scratch:short', 150, 3);
    expect(await box(app, 'Cache TTLs appropriate')).toMatchObject({ status: 'pass' });
    expect(await box(app, 'Redis caching for frequently accessed data')).toMatchObject({ status: 'pass' });
  });

  it('fails while Redis does not answer', async () => {
    expect(await box(app, 'Cache service configured')).toMatchObject({ status: 'pass' });

    await redis.kill();
    await until(() => cache().breaker !== 'closed');
    expect(await box(app, 'Cache service configured')).toMatchObject({
      status: 'fail',
      evidence: expect.stringContaining('breaker'),
    });
    expect(await box(app, 'Redis caching for frequently accessed data')).toMatchObject({ status: 'fail' });

    await redis.start();
    await until(() => cache().breaker === 'closed');
    expect(await box(app, 'Cache service configured')).toMatchObject({ status: 'pass' });
  });

  it('fails while answers are kept under keys that nobody declared', async () => {
    expect(await box(app, 'Cache keys defined')).toMatchObject({ status: 'pass' });

    await cache().get('nobody:declared:this');
    expect(await box(app, 'Cache keys defined')).toMatchObject({ status: 'fail' });

    await app.close();
    app = await startApp({ REDIS_URL: redis.url }, app.urls);
    await app.get('/api/offers');
    expect(await box(app, 'Cache keys defined')).toMatchObject({ status: 'pass' });
  });
});
