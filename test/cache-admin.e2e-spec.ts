import { hostname } from 'node:os';
import { CacheService } from '../src/cache/cache.service';
import { startApp, type Person, type TestApp } from './support/app';
import { RedisProcess, until } from './support/cache-lab';

const STATS = '/api/admin/cache/stats';
const dropping = (query: Record<string, string>) =>
  `/api/admin/cache?${new URLSearchParams(query).toString()}`;

interface PrefixFigures {
  prefix: string;
  loads: number;
  memory: Record<string, number | null>;
  redis: Record<string, number | null> | null;
}

/** Keeps something under a key of its own, and says whether it is still there. */
async function keeps(app: TestApp, prefix: string, part: string, tags: string[] = []) {
  const cache = app.nest.get(CacheService);
  const entry = { key: [prefix, part] as [string, string], ttlSeconds: 60, tags };
  await cache.set(entry, part);
  return async () => (await cache.get(entry)) !== undefined;
}

describe.each([
  ['in memory alone', false],
  ['with Redis', true],
])('the cache as administrators see it, %s', (_name, shared) => {
  let redis: RedisProcess | undefined;
  let app: TestApp;
  let other: TestApp;
  let operator: Person;

  beforeAll(async () => {
    redis = shared ? await RedisProcess.start('--maxmemory', '64mb') : undefined;
    const variables: Record<string, string> = redis === undefined ? {} : { REDIS_URL: redis.url };
    app = await startApp(variables);
    other = await startApp(variables, app.urls);
    operator = await app.registers({ role: 'operator' });
  });
  afterAll(async () => {
    await app.close();
    await other.close();
    await redis?.stop();
  });

  const figuresOf = async (prefix: string): Promise<PrefixFigures | undefined> => {
    const { body } = await app.get(STATS, { as: operator });
    return body.prefixes.find((one: PrefixFigures) => one.prefix === prefix);
  };

  const server = {
    usedMemoryBytes: expect.any(Number) as number,
    maxMemoryBytes: 64 * 1024 ** 2,
    evictedKeys: 0,
    expiredKeys: expect.any(Number) as number,
  };

  it('says which process counted, and what Redis has', async () => {
    const { status, body } = await app.get(STATS, { as: operator });
    expect(status).toBe(200);
    expect(body.process).toEqual({
      id: process.pid,
      host: hostname(),
      uptimeSeconds: expect.any(Number),
    });
    expect(body.memory).toEqual({
      entries: expect.any(Number),
      bytes: expect.any(Number),
      maxBytes: 64 * 1024 ** 2,
    });
    expect(body.redis?.server ?? null).toEqual(shared ? server : null);
    expect(body.redis?.breaker).toBe(shared ? 'closed' : undefined);
  });

  it('counts by prefix and tier', async () => {
    await app.get('/api/trading/markets');
    const before = await figuresOf('market:data');
    await app.get('/api/trading/markets/solar');
    await app.get('/api/trading/markets/solar');
    const after = await figuresOf('market:data');
    expect(after?.loads).toBe((before?.loads ?? 0) + 1);
    expect(after?.memory).toMatchObject({ errors: 0, evictions: 0, stale: 0 });
    expect(after?.memory['misses']).toBe(Number(before?.memory['misses']) + 1);
    expect(after?.memory['bytes']).toBeGreaterThan(Number(before?.memory['bytes']));
    expect(after?.memory['hitRate']).toBeGreaterThanOrEqual(0);
    const missed = Number(before?.redis?.['misses']) + 1;
    expect(after?.redis?.['misses']).toBe(shared ? missed : undefined);
  });

  it('drops by prefix, and says how many there were', async () => {
    const [one, two, another] = [
      await keeps(app, 'admin-test:some', 'a'),
      await keeps(app, 'admin-test:some', 'b'),
      await keeps(app, 'admin-test:more', 'a'),
    ];
    const { status, body } = await app.delete(dropping({ prefix: 'admin-test:some' }), { as: app.admin });
    expect({ status, body }).toEqual({
      status: 200,
      body: { prefix: 'admin-test:some', tag: null, dropped: 2 },
    });
    expect([await one(), await two(), await another()]).toEqual([false, false, true]);
  });

  it('drops the texts that routes made of them', async () => {
    const xCache = async () => (await app.get('/api/offers')).headers.get('x-cache');
    await xCache();
    expect(await xCache()).toBe('HIT');
    const { body } = await app.delete(dropping({ prefix: 'offers:active' }), { as: app.admin });
    expect(body.dropped).toBeGreaterThanOrEqual(1);
    expect(await xCache()).toBe('MISS');
  });

  it('drops in other processes too', async () => {
    const [one, two] = [
      await keeps(other, 'admin-test:prefix', 'a'),
      await keeps(other, 'admin-test:tag', 'a', ['elsewhere']),
    ];
    await app.delete(dropping({ prefix: 'admin-test:prefix' }), { as: app.admin });
    await app.delete(dropping({ tag: 'elsewhere' }), { as: app.admin });
    await until(async () => !(await one()) && !(await two()));
    expect([await one(), await two()]).toEqual([false, false]);
  });

  it.each([
    '*',
    'admin-test:lit*',
    'admin-test:lit?ral',
    'admin-test:lit[e]ral',
    'admin-test:lit\\eral',
    '.*',
  ])('takes %s for what it says', async (prefix) => {
    const literal = await keeps(app, 'admin-test:literal', 'a');
    const { body } = await app.delete(dropping({ prefix }), { as: app.admin });
    expect(body).toEqual({ prefix, tag: null, dropped: 0 });
    expect(await literal()).toBe(true);
  });

  it('drops by tag', async () => {
    const [tagged, untagged] = [
      await keeps(app, 'admin-test:tagged', 'a', ['admin-test']),
      await keeps(app, 'admin-test:tagged', 'b'),
    ];
    const { status, body } = await app.delete(dropping({ tag: 'admin-test' }), { as: app.admin });
    expect({ status, body }).toEqual({
      status: 200,
      body: { prefix: null, tag: 'admin-test', dropped: null },
    });
    expect([await tagged(), await untagged()]).toEqual([false, true]);
  });

  it('leaves a record of what was dropped and by whom', async () => {
    await app.delete(dropping({ prefix: 'recorded:prefix' }), { as: app.admin });
    await app.delete(dropping({ tag: 'recorded:tag' }), { as: app.admin });
    const { body } = await app.get('/api/admin/audit?action=cache.dropped&limit=2', { as: app.admin });
    expect(body.items).toMatchObject([
      { entity: 'cache', entityId: 'recorded:tag', userId: app.admin.id, after: { tag: 'recorded:tag' } },
      { entityId: 'recorded:prefix', after: { prefix: 'recorded:prefix' } },
    ]);
  });

  it.each([
    [{}, ['prefix', 'tag']],
    [{ prefix: 'a', tag: 'b' }, ['prefix', 'tag']],
    [{ prefix: '' }, ['prefix']],
    [{ prefix: 'with space' }, ['prefix']],
    [{ tag: 'é' }, ['tag']],
    [{ tag: 'x'.repeat(201) }, ['tag']],
    [{ prefix: 'a', all: 'true' }, ['']],
  ])('refuses %j', async (query, fields) => {
    const { status, body } = await app.delete(dropping(query), { as: app.admin });
    expect(status).toBe(400);
    expect(body.errors.map(({ field }: { field: string }) => field).sort()).toEqual(fields);
  });

  it('is for those who run the market, and dropping for administrators', async () => {
    const auditor = await app.registers({ role: 'auditor' });
    const prosumer = await app.registers();
    const asked = async (as: Person | undefined) => [
      (await app.get(STATS, { as })).status,
      (await app.delete(dropping({ prefix: 'nothing' }), { as })).status,
    ];
    expect(await asked(undefined)).toEqual([401, 401]);
    expect(await asked(prosumer)).toEqual([403, 403]);
    expect(await asked(auditor)).toEqual([200, 403]);
    expect(await asked(operator)).toEqual([200, 403]);
    expect(await asked(app.admin)).toEqual([200, 200]);
  });
});

describe('the cache while Redis is away from the start', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp({ REDIS_URL: (await RedisProcess.absent()).url });
  });
  afterAll(() => app.close());

  it('says so, in statistics and metrics', async () => {
    const { body } = await app.get(STATS, { as: app.admin });
    expect(body.redis).toMatchObject({ breaker: expect.stringMatching(/open/), server: null });
    const metrics = (await app.get('/metrics')).body as string;
    expect(metrics).toMatch(/^cache_breaker_open (1|0\.5)$/m);
  });

  it('takes what is to be dropped, and owes it to Redis', async () => {
    const answer = await app.delete(dropping({ tag: 'owed' }), { as: app.admin });
    expect(answer).toMatchObject({ status: 200, body: { tag: 'owed' } });
  });
});
