import { randomUUID } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { Client } from 'pg';
import { DataSource } from 'typeorm';
import { CacheEvents } from '../src/cache/cache-events';
import { CacheService } from '../src/cache/cache.service';
import { QueryEvents } from '../src/database/query-events';
import { SessionsService } from '../src/users/sessions.service';
import { operationsOf } from './support/api-calls';
import { startApp, type TestApp } from './support/app';
import { asOwner } from './support/database';
import { eventually, until } from './support/eventually';

/** As one would write an address that nobody made: the router gives these to no route. */
const URLS = 10_000;
const USERS = 1_000;
const MOST_LINES = 8_000;
/** As src/monitoring/metrics/http-series.spec.ts has it. */
const MOST_LINES_OF_REQUESTS = 4_300;
/** What the process and PostgreSQL's server are doing at a moment: there are as many as node and PostgreSQL know states. */
const STATES = /^(nodejs_|jobs\{|database_connections\{)/;

const lineOf = (text: string, name: string): string | undefined =>
  text.split('\n').find((line) => line.startsWith(name));
const figureOf = (text: string, name: string): number => Number(lineOf(text, name)?.split(' ').at(-1));
const seriesIn = (text: string): string[] =>
  text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.slice(0, line.lastIndexOf(' ')));

describe('metrics', () => {
  let app: TestApp;
  let startedAt: number;
  beforeAll(async () => {
    app = await startApp({ REDIS_URL: process.env['TEST_REDIS_URL'] as string });
    startedAt = performance.now();
  });
  afterAll(() => app.close());

  const scrape = async (): Promise<string> => (await app.get('/metrics')).body as string;

  it('tell what PostgreSQL says of itself', async () => {
    // The first scrape waits a second for it, and no longer.
    const text = await eventually(scrape, (told) => lineOf(told, 'database_cache_hit_ratio ') !== undefined);

    expect(figureOf(text, 'database_cache_hit_ratio')).toBeGreaterThan(0);
    expect(figureOf(text, 'database_cache_hit_ratio')).toBeLessThanOrEqual(1);
    expect(figureOf(text, 'database_size_bytes')).toBeGreaterThan(1024 ** 2);
    expect(figureOf(text, 'database_invalid_indexes')).toBe(0);
    expect(figureOf(text, 'database_wraparound_ratio')).toBeLessThan(0.1);
    expect(figureOf(text, 'database_connections{state="idle"}')).toBeGreaterThan(0);
    expect(lineOf(text, 'database_dead_rows{table="users"}')).toBeDefined();
    // Partitions are told by their table.
    expect(text).toContain('database_dead_rows{table="meter_readings"}');
    expect(text).not.toMatch(/table="meter_readings_/);
  });

  it('tell of the process and the waits for a connection', async () => {
    const text = await scrape();

    expect(lineOf(text, 'gridtokenx_build_info{release="')).toBeDefined();
    expect(figureOf(text, 'nodejs_eventloop_utilization_ratio')).toBeGreaterThan(0);
    for (const name of ['nodejs_eventloop_lag_p50_seconds', 'nodejs_eventloop_lag_p99_seconds'])
      expect(lineOf(text, `${name} `)).toBeDefined();
    expect(figureOf(text, 'database_connection_acquire_seconds_count')).toBeGreaterThan(0);
  });

  it('ask PostgreSQL once in a quarter of a minute, however often they are scraped', async () => {
    for (let scrapes = 0; scrapes < 30; scrapes++) await scrape();
    const [asked] = await asOwner<{ calls: number }>(
      app.urls,
      `SELECT coalesce(sum(calls), 0)::int AS calls FROM pg_stat_statements
        WHERE query LIKE '%"wraparoundShare"%' AND query NOT LIKE '%pg_stat_statements%'
          AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    );
    const quarters = Math.ceil((performance.now() - startedAt) / 15_000);
    expect(asked?.calls).toBeGreaterThan(0);
    expect(asked?.calls).toBeLessThanOrEqual(quarters);
  });

  describe('of requests whose client goes away', () => {
    const COUNT = 'http_request_duration_seconds_count{method="GET",route="/api/organizations",status="499"}';
    let owner: Client;
    beforeEach(async () => {
      owner = new Client({ connectionString: app.urls.ownerUrl });
      await owner.connect();
      await owner.query('BEGIN; LOCK TABLE organizations');
    });
    afterEach(() => owner.end());

    /** Sends requests one behind the other, none of which can be answered before the table is let go. */
    async function ask(requests: number): Promise<Socket> {
      const { hostname, port } = new URL(app.url);
      const socket = connect(Number(port), hostname);
      const head = `host: ${hostname}\r\nauthorization: Bearer ${app.admin.token}\r\n\r\n`;
      socket.write(`GET /api/organizations HTTP/1.1\r\n${head}`.repeat(requests));
      await until(async () => (await inFlight()) === requests);
      return socket;
    }
    /** Without the scrape itself. */
    const inFlight = async (): Promise<number> => figureOf(await scrape(), 'http_requests_in_flight') - 1;

    it('count them once each, as 499, and none as in flight', async () => {
      (await ask(1)).destroy();
      await until(async () => (await inFlight()) === 0);
      expect(figureOf(await scrape(), COUNT)).toBe(1);

      // The handler goes on, and what it answers in the end is nobody's.
      await owner.query('ROLLBACK');
      await until(() => app.database.poolState().total === app.database.poolState().idle);
      await app.get('/api/organizations', { as: app.admin });
      const text = await scrape();
      expect(figureOf(text, COUNT)).toBe(1);
      expect(figureOf(text, COUNT.replace('499', '200'))).toBe(1);
      expect(figureOf(text, 'http_requests_in_flight')).toBe(1);
    });

    it('count also those that wait behind another one on the same connection', async () => {
      const before = figureOf(await scrape(), COUNT);
      (await ask(15)).destroy();
      await until(async () => (await inFlight()) === 0);
      expect(figureOf(await scrape(), COUNT) - before).toBe(15);
    });
  });

  it('stay few lines, however much is asked, refused and looked up', async () => {
    await callEveryRoute();
    const text = await tellEverything();
    const lines = text.split('\n');
    expect(lines.length).toBeLessThan(MOST_LINES);
    const ofRequests = lines.filter((line) => line.startsWith('http_request_duration_seconds_'));
    expect(lines.length - ofRequests.length + MOST_LINES_OF_REQUESTS).toBeLessThan(MOST_LINES);
    // So many that the exact statuses are used up, and so are the tables.
    expect(ofRequests.some((line) => /_count\{.*route="\/api\/.*status="4xx"/.test(line))).toBe(true);
    expect(ofRequests.filter((line) => line.includes('PROPFIND'))).toEqual([]);
    const savepoints = figureOf(text, 'database_operations_total{operation="savepoint",entity="other"}');
    expect(savepoints).toBeGreaterThan(10);
  });

  /** Once as nobody, once as somebody, and by an address and with a body that make no sense. */
  async function callEveryRoute(): Promise<void> {
    const [person, auditor] = [await app.registers(), await app.registers({ role: 'auditor' })];
    const calls = (await operationsOf(app)).flatMap(({ name }) => {
      const [method = '', template = ''] = name.split(' ');
      const path = template.replace(/\{\w+\}/g, randomUUID());
      const hasBody = method !== 'GET' && method !== 'DELETE';
      return [
        () => app.request(method, path),
        () => app.request(method, path, { as: auditor }),
        () => app.request(method, path, { as: person, ...(hasBody && { body: {} }) }),
        () => app.request(method, `${path}?limit=none`, { as: person }),
        () => app.request(method, path, { as: person, headers: { 'content-encoding': 'gzip' } }),
        ...(hasBody
          ? [() => app.request(method, path, { body: '<', headers: { 'content-type': 'a/b' } })]
          : []),
      ];
    });
    await inTurns(calls, (call) => call());
    await app.request('PROPFIND', '/who/knows');
  }

  /** Everything that may be counted beside requests. @returns what /metrics says then */
  async function tellEverything(): Promise<string> {
    const queries = app.nest.get(QueryEvents);
    const verbs = [
      'SELECT * FROM',
      'INSERT INTO',
      'UPDATE',
      'DELETE FROM',
      'WITH a AS (SELECT 1) SELECT * FROM',
    ];
    const verbsOfNone = [
      'START',
      'BEGIN',
      'COMMIT',
      'ROLLBACK',
      'SAVEPOINT a RELEASE',
      'RELEASE',
      'SET',
      'VACUUM',
    ];
    for (const { tableName } of app.nest.get(DataSource).entityMetadatas)
      for (const verb of [...verbs, ...verbsOfNone.map((one) => `${one}; SELECT FROM`)])
        queries.publish({ text: `${verb} ${tableName}`, seconds: 0.001, prepared: false });
    const events = app.nest.get(CacheEvents);
    for (const { prefix, memory, redis } of app.nest.get(CacheService).statistics.all()) {
      for (const operation of ['read', 'write', 'load'] as const)
        events.publish({ kind: 'timed', operation, prefix, seconds: 0.001 });
      for (const counts of [memory, redis])
        for (const what of ['hits', 'misses', 'stale', 'errors', 'evictions'] as const) counts[what]++;
    }
    return scrape();
  }

  it('do not grow by a line with addresses and users', async () => {
    const tokens = await tokensOfUsers();
    await app.get('/who/knows');
    await app.get(`/api/meters/${randomUUID()}`);
    await app.get('/api/users/me', { as: tokens[0] });
    const before = new Set(seriesIn(await tellEverything()));

    const urls = Array.from({ length: URLS }, (_, number) =>
      number % 2 === 0 ? `/who/knows/${number}?page=${number}` : `/api/meters/${randomUUID()}`,
    );
    await inTurns(urls, (url) => app.get(url));
    await inTurns(tokens, async (as) => expect((await app.get('/api/users/me', { as })).status).toBe(200));

    expect(seriesIn(await scrape()).filter((one) => !before.has(one) && !STATES.test(one))).toEqual([]);
  });

  async function tokensOfUsers(): Promise<string[]> {
    const users = await asOwner<{ id: string }>(
      app.urls,
      `INSERT INTO users (id, email, username, password_hash, role)
       SELECT gen_random_uuid(), 'many' || n || '@example.org', 'many' || n, 'none', 'consumer'
         FROM generate_series(1, $1::int) AS n RETURNING id`,
      [USERS],
    );
    const sessions = app.nest.get(SessionsService);
    return app.database.transaction(async (tx) => {
      const tokens: string[] = [];
      for (const { id } of users) tokens.push((await sessions.open(tx, id, undefined)).accessToken);
      return tokens;
    });
  }
});

const AT_ONCE = 50;

async function inTurns<Item>(items: readonly Item[], work: (item: Item) => Promise<unknown>): Promise<void> {
  for (let start = 0; start < items.length; start += AT_ONCE)
    await Promise.all(items.slice(start, start + AT_ONCE).map(work));
}
