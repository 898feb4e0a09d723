import { randomUUID } from 'node:crypto';
import { AccessTokens } from '../src/auth/access-tokens';
import { startApp, type TestApp } from './support/app';
import { asOwner } from './support/database';

/** As one would write an address that nobody made: the router gives these to no route. */
const URLS = 10_000;
const USERS = 1_000;
const MOST_LINES = 8_000;

const lineOf = (text: string, name: string): string | undefined =>
  text.split('\n').find((line) => line.startsWith(name));
const figureOf = (text: string, name: string): number => Number(lineOf(text, name)?.split(' ').at(-1));

describe('metrics', () => {
  let app: TestApp;
  let startedAt: number;
  beforeAll(async () => {
    app = await startApp();
    startedAt = performance.now();
  });
  afterAll(() => app.close());

  const scrape = async (): Promise<string> => (await app.get('/metrics')).body as string;

  it('tell what PostgreSQL says of itself', async () => {
    const text = await scrape();

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

  it('do not grow with addresses and users', async () => {
    const tokens = app.nest.get(AccessTokens);
    await app.get('/who/knows');
    await app.get(`/api/meters/${randomUUID()}`);
    const before = (await scrape()).split('\n').length;

    const urls = Array.from({ length: URLS }, (_, number) =>
      number % 2 === 0 ? `/who/knows/${number}?page=${number}` : `/api/meters/${randomUUID()}`,
    );
    await inTurns(urls, (url) => app.get(url));
    const users = Array.from({ length: USERS }, () => randomUUID());
    await inTurns(users, async (userId) => {
      const token = await tokens.issue({ userId, sessionId: randomUUID() });
      await app.get('/api/users/me', { headers: { authorization: `Bearer ${token}` } });
    });

    const lines = (await scrape()).split('\n').length;
    expect(lines).toBeLessThan(MOST_LINES);
    // What runs by the clock meanwhile brings the lines of its statements; no address and nobody's name has one.
    expect(lines - before).toBeLessThan(URLS / 20);
  }, 120_000);
});

const AT_ONCE = 50;

async function inTurns<Item>(items: readonly Item[], work: (item: Item) => Promise<unknown>): Promise<void> {
  for (let start = 0; start < items.length; start += AT_ONCE)
    await Promise.all(items.slice(start, start + AT_ONCE).map(work));
}
