import { Client, Pool, type PoolClient } from 'pg';
import { DataSource } from 'typeorm';
import { loadConfig } from '../src/config/config';
import { Connections } from '../src/database/connections';
import { reservedDataSource } from '../src/database/data-source-options';
import type { DatabaseUrls } from '../src/database/database.module';
import { runPooled } from '../src/database/prepared';
import { QueryEvents } from '../src/database/query-events';
import { ReservedDatabase } from '../src/database/reserved-database';
import { startApp, type TestApp } from './support/app';
import { asOwner, migratedDatabase } from './support/database';
import { eventually, until } from './support/eventually';
import { VACANT_PORT } from './support/free-port';
import { stopClock } from './support/recurring-jobs';

/** The server's processes that work for the pool of an application. */
async function backends(app: TestApp, name = 'gridtokenx'): Promise<number[]> {
  const rows = await asOwner<{ pid: number }>(
    app.urls,
    `SELECT pid FROM pg_stat_activity
      WHERE datname = current_database() AND application_name = $1 ORDER BY pid`,
    [name],
  );
  return rows.map(({ pid }) => pid);
}

/** Once those in excess are closed, which is what the pool keeps open. */
const leastBackends = (app: TestApp): Promise<number[]> =>
  eventually(
    () => backends(app),
    ({ length }) => length === 3,
  );

const RESERVE = 'gridtokenx reserve';

/** Keeps connections busy until it is told to let go. */
async function occupied(app: TestApp, connections: number): Promise<() => Promise<void>> {
  let letGo: () => void = () => undefined;
  const told = new Promise<void>((resolve) => (letGo = resolve));
  const holding = Array.from({ length: connections }, () => {
    let started: () => void = () => undefined;
    const begun = new Promise<void>((resolve) => (started = resolve));
    const done = app.database.transaction(async (tx) => {
      await tx.query('SELECT 1');
      started();
      await told;
    });
    return { begun, done };
  });
  await Promise.all(holding.map(({ begun }) => begun));
  return async () => {
    letGo();
    await Promise.all(holding.map(({ done }) => done));
  };
}

/** Lets nobody read the trades until it is told to let go. */
async function lockedTrades({ urls }: TestApp): Promise<() => Promise<void>> {
  const owner = new Client({ connectionString: urls.ownerUrl });
  await owner.connect();
  await owner.query('BEGIN; LOCK TABLE trades');
  return () => owner.end();
}

describe('the pool of connections', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp({
      DB_POOL_MAX: '4',
      DB_POOL_MIN: '3',
      DB_ACQUIRE_TIMEOUT_MS: '3000',
      DB_IDLE_TIMEOUT_MS: '3000',
      DB_STATEMENT_TIMEOUT_MS: '2000',
    });
    await stopClock(app.urls);
  });
  afterAll(() => app.close());

  it('is warm from the start: the least number of connections is open', async () => {
    // One more, for a while, where the start needed it.
    expect((await backends(app)).length).toBeGreaterThanOrEqual(3);
    expect(await leastBackends(app)).toHaveLength(3);
  });

  it('never opens more than the most, however much is asked', async () => {
    const letGo = await occupied(app, 4);
    let answered = 0;
    const asked = Array.from({ length: 60 }, () =>
      app.database.query('SELECT pg_sleep(0.01)').finally(() => (answered += 1)),
    );
    const answers = Promise.allSettled(asked); // some are refused where they waited for too long
    const counts = [(await backends(app)).length];
    expect(app.database.poolState()).toMatchObject({ total: 4 });
    await letGo();
    while (answered < asked.length) counts.push((await backends(app)).length);
    await answers;
    expect(counts[0]).toBe(4);
    expect(Math.max(...counts)).toBe(4);
    expect(app.database.poolState()).toMatchObject({ waiting: 0 });
  });

  it('closes idle connections down to the least number', async () => {
    const letGo = await occupied(app, 4);
    expect(await backends(app)).toHaveLength(4);
    await letGo();
    await eventually(
      () => backends(app),
      (pids) => pids.length === 3,
    );
  });

  it('opens new ones by itself when the server ended them', async () => {
    const before = await backends(app);
    await asOwner(app.urls, 'SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) AS pid', [before]);
    const after = await eventually(
      () => backends(app),
      (pids) => pids.length === 3 && pids.every((pid) => !before.includes(pid)),
    );
    expect(after).toHaveLength(3);
    expect(await app.database.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('answers 503 with a time to come back when all connections are in use for too long', async () => {
    const letGo = await occupied(app, 4);
    const { status, body, headers } = await app.get('/api/trading/trades');
    expect(status).toBe(503);
    expect(headers.get('retry-after')).toBe('5');
    expect(body).toMatchObject({ code: 'DATABASE_BUSY', title: 'Service Unavailable' });
    await letGo();
    expect((await app.get('/api/trading/trades')).status).toBe(200);
  });

  it('leaves some to those who mend a jam: they see who holds the others, and end it', async () => {
    const letGo = await occupied(app, 4);
    const { waiting } = app.database.poolState();
    const isStuck = () => app.database.query('SELECT 1').catch((error: Error) => error.message);
    const first = isStuck();
    expect(app.database.poolState().waiting).toBe(waiting + 1);

    for (const path of ['db/locks', 'db/pool', 'db/long-running', 'cache/stats', 'health'])
      expect({ path, ...(await app.get(`/api/admin/${path}`, { as: app.admin })) }).toMatchObject({
        path,
        status: 200,
      });
    // The first one may have given up by now, as each of the next may before the checklist looks.
    let looked = false;
    const asksAgain = async () => {
      while (!looked) await isStuck();
    };
    const next = asksAgain();
    const { status, body } = await app
      .get('/api/admin/performance/checklist', { as: app.admin })
      .finally(() => (looked = true));
    expect(status).toBe(200);
    expect(body.boxes).toContainEqual(
      expect.objectContaining({ box: 'Connection pool configured', status: 'fail' }),
    );
    const [holder] = await backends(app);
    const ended = await app.post(`/api/admin/db/backends/${holder}/terminate`, { as: app.admin });
    expect(ended).toMatchObject({ status: 200, body: { state: 'idle in transaction', done: true } });
    expect(await backends(app)).not.toContain(holder);
    const recorded = await asOwner(
      app.urls,
      'SELECT action FROM audit_logs WHERE entity_id = $1 ORDER BY id',
      [String(holder)],
    );
    expect(recorded.map(({ action }) => action)).toEqual([
      'database.backend_terminate_requested',
      'database.backend_terminated',
    ]);
    await letGo().catch((error: Error) => error.message);
    await Promise.all([first, next]);
    expect(await app.get('/api/trading/trades')).toMatchObject({ status: 200 });
  });

  it('leaves those some whom a flood by others of that route does not reach', async () => {
    const consumers = await Promise.all([1, 2].map(() => app.registers({ role: 'consumer' })));
    const onReserve = { lookUps: 0 };
    app.nest.get(QueryEvents).subscribe(({ text }) => {
      if (text.includes('FROM sessions s JOIN users')) onReserve.lookUps += 1;
    });
    const letGo = await occupied(app, 4);
    const flood = consumers.flatMap((as) =>
      Array.from({ length: 10 }, () => app.get('/api/admin/db/pool', { as })),
    );
    // Who is not looked up there stands in the queue of the pool.
    await until(() => app.database.poolState().waiting > 10);
    await until(() => onReserve.lookUps >= consumers.length);
    expect(onReserve.lookUps).toBe(consumers.length);

    const letIn = await Promise.all([1, 2, 3].map(() => app.get('/api/admin/db/pool', { as: app.admin })));
    expect(letIn.map(({ status }) => status)).toEqual([200, 200, 200]);
    await letGo();
    for (const { status } of await Promise.all(flood)) expect([403, 503]).toContain(status);
    expect(onReserve.lookUps).toBeGreaterThan(consumers.length);
  });

  it('lets in who was made one of the staff, and knows at once who is so no more', async () => {
    const person = await app.registers({ role: 'auditor' });
    const status = async () => (await app.get('/api/admin/db/pool', { as: person })).status;
    const becomes = (change: object) => app.patch(`/api/users/${person.id}`, { as: app.admin, body: change });
    expect(await status()).toBe(200);
    await becomes({ role: 'consumer' });
    expect(await status()).toBe(403);
    await becomes({ role: 'operator' });
    expect(await status()).toBe(200);
    await becomes({ isActive: false });
    expect([await status(), await status()]).toEqual([401, 401]);
  });

  it('counts who waited in vain, how long and why: reads, use cases, and where nobody listens', async () => {
    const figures = async (...names: string[]): Promise<number[]> => {
      const lines = ((await app.get('/metrics')).body as string).split('\n');
      return names.map((name) =>
        Number(
          lines
            .find((line) => line.startsWith(name))
            ?.split(' ')
            .at(-1) ?? 0,
        ),
      );
    };
    const asked = () =>
      figures(
        'database_errors_total{code="pool_exhausted"} ',
        'database_connection_acquire_seconds_count ',
        'database_connection_acquire_seconds_bucket{le="0.5"} ',
      );
    const letGo = await occupied(app, 4);
    const [errors = 0, waits = 0, shortWaits = 0] = await asked();
    const inVain = await Promise.allSettled([
      app.database.query('SELECT 1'),
      app.database.transaction((tx) => tx.query('SELECT 1')),
    ]);
    expect(inVain.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    const [errorsThen, waitsThen, shortWaitsThen] = await asked();
    // More where a job waited as well.
    expect(errorsThen).toBeGreaterThanOrEqual(errors + 2);
    expect(waitsThen).toBeGreaterThanOrEqual(waits + 2);
    expect(shortWaitsThen).toBe(shortWaits);
    await letGo();

    const pool = new Pool({ host: '127.0.0.1', port: VACANT_PORT });
    await expect(runPooled(pool, app.nest.get(QueryEvents), 'SELECT 1', [])).rejects.toThrow();
    expect(await figures('database_errors_total{code="ECONNREFUSED"} ')).toEqual([1]);
  });

  it('ends a statement that takes too long, and keeps the connection', async () => {
    const before = await leastBackends(app);
    await expect(app.database.query('SELECT pg_sleep(60)')).rejects.toMatchObject({ code: '57014' });
    expect(await backends(app)).toEqual(before);
  });

  it('answers 503 in plain words when a statement was ended', async () => {
    const release = await lockedTrades(app);
    const { status, body, headers } = await app.get('/api/trading/trades');
    await release();
    expect(status).toBe(503);
    expect(headers.get('retry-after')).toBe('10');
    expect(body).toMatchObject({ code: 'DATABASE_TIMEOUT' });
    expect(JSON.stringify(body)).not.toContain('canceling');
  });

  it('gives up nothing for a statement that PostgreSQL refuses', async () => {
    const before = await leastBackends(app);
    for (let i = 0; i < 5; i++)
      await expect(app.database.query('SELECT 1 / $1::int AS x', [0])).rejects.toMatchObject({
        code: '22012',
      });
    expect(await backends(app)).toEqual(before);
  });

  it('survives a transaction that stood still until the server ended it', async () => {
    const stuck = app.database.transaction(async (tx) => {
      const [own] = await tx.query<{ pid: number }>(
        `SELECT pg_backend_pid() AS pid, set_config('idle_in_transaction_session_timeout', '50', true)`,
      );
      await eventually(
        () => backends(app),
        (pids) => !pids.includes(own?.pid as number),
      );
      await tx.query('SELECT 1');
    });
    await expect(stuck).rejects.toThrow(/not queryable|terminated|idle-in-transaction/);
    expect((await app.get('/api/trading/trades')).status).toBe(200);
  });

  it('commits nothing on a connection that was lost before', async () => {
    const lost = app.database.transaction(async (tx) => {
      const [own] = await tx.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
      const client = (await tx.manager.queryRunner?.connect()) as PoolClient;
      const ended = new Promise((resolve) => client.once('end', () => resolve(undefined)));
      await asOwner(app.urls, 'SELECT pg_terminate_backend($1, 5000)', [own?.pid]);
      await ended;
    });
    await expect(lost).rejects.not.toMatchObject({ code: 'OUTCOME_UNKNOWN' });
  });
});

describe('what the server is told of a connection', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp({ DB_POOL_MIN: '2', DB_MAX_LIFETIME_S: '1' });
  });
  afterAll(() => app.close());

  it('is its limits and its name', async () => {
    const [settings] = await app.database.query(
      `SELECT current_setting('statement_timeout') AS statement, current_setting('application_name') AS name,
              current_setting('idle_in_transaction_session_timeout') AS idle`,
    );
    expect(settings).toEqual({ statement: '15s', idle: '1min', name: 'gridtokenx' });
  });

  it('replaces connections whose life time is over, but none that is held in reserve', async () => {
    const before = await backends(app);
    // There is a second one for a while where two were needed at once.
    const reserve = await eventually(
      () => backends(app, RESERVE),
      ({ length }) => length === 1,
    );
    const after = await eventually(
      () => backends(app),
      (pids) => pids.length >= 2 && pids.every((pid) => !before.includes(pid)),
    );
    expect(after.length).toBeGreaterThanOrEqual(2);
    expect(await backends(app, RESERVE)).toEqual(expect.arrayContaining(reserve));
  });

  it('opens another one in reserve by itself when the server ended it', async () => {
    const before = await backends(app, RESERVE);
    await asOwner(app.urls, 'SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) AS pid', [before]);
    const after = await eventually(
      () => backends(app, RESERVE),
      (pids) => pids.length === 1 && !before.includes(pids[0] ?? 0),
    );
    expect(after).toHaveLength(1);
  });
});

describe('connections in reserve', () => {
  let urls: DatabaseUrls;
  const limits = loadConfig({}).environment;
  beforeAll(async () => {
    urls = await migratedDatabase();
  });

  it('are given up where they do not answer, by a transaction as by a read', async () => {
    const patience = { statement_timeout: 60_000, query_timeout: 5_000, max: 1 };
    const options = reservedDataSource(urls.applicationUrl, limits);
    const dataSource = new DataSource({ ...options, extra: { ...options.extra, ...patience } });
    await dataSource.initialize();
    const connections = new Connections(dataSource, new QueryEvents());
    const pidOf = async () =>
      (await connections.query<{ pid: number }>('SELECT pg_backend_pid() AS pid', []))[0]?.pid;

    const sleeps = 'SELECT pg_sleep(60)';
    const ways: (() => Promise<unknown>)[] = [
      () => connections.query(sleeps, []),
      () => connections.transaction((tx) => tx.query(sleeps)),
      () => connections.transaction((tx) => tx.manager.query(sleeps)),
      () => connections.transaction((tx) => tx.query(sleeps).catch(() => undefined)),
    ];
    for (const way of ways) {
      const before = await pidOf();
      await expect(way()).rejects.toThrow('Query read timeout');
      expect(await pidOf()).not.toBe(before);
    }
    const kept = await pidOf();
    const refused = connections.transaction((tx) => tx.query('SELECT 1 / $1::int AS x', [0]));
    await expect(refused).rejects.toMatchObject({ code: '22012' });
    await expect(connections.transaction(() => Promise.reject(new Error('not this way')))).rejects.toThrow(
      'not this way',
    );
    expect(await pidOf()).toBe(kept);
    await dataSource.destroy();
  });

  it('tell of their statements, and of no waits, which are the pool’s', async () => {
    const events = new QueryEvents();
    let statements = 0;
    let waits = 0;
    events.subscribe(() => (statements += 1));
    events.onAcquired(() => (waits += 1));
    const reserved = new ReservedDatabase(urls.applicationUrl, limits, events);
    await reserved.onApplicationBootstrap();
    await reserved.query('SELECT 1');
    await reserved.transaction((tx) => tx.query('SELECT 2'));
    reserved.onModuleDestroy();
    await reserved.onApplicationShutdown();
    expect([statements, waits]).toEqual([2, 0]);
  });
});
