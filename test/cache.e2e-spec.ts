import type { CacheEntry } from '../src/cache/cache-entry';
import type { CacheService } from '../src/cache/cache.service';
import { newId } from '../src/common/id';
import { closeCaches, connectedCache, slowLoad, someEntry, until, type LabCache } from './support/cache-lab';

const redisUrl = () => process.env['TEST_REDIS_URL'] as string;

afterEach(closeCaches);

describe.each([
  ['in this process', () => connectedCache()],
  ['in Redis and in this process', () => connectedCache({ url: redisUrl() })],
  ['in Redis alone', () => connectedCache({ url: redisUrl(), firstTierBytes: 0 })],
])('answers kept %s', (_, connect: () => Promise<LabCache>) => {
  let cache: CacheService;

  beforeEach(async () => {
    ({ cache } = await connect());
  });

  it('are computed once', async () => {
    const entry = someEntry<{ n: number }>();
    let loads = 0;
    const load = () => Promise.resolve({ n: ++loads });
    const outcomes = [await cache.answer(entry, load), await cache.answer(entry, load)];
    expect(outcomes.map(({ value }) => value)).toEqual([{ n: 1 }, { n: 1 }]);
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(['miss', 'hit']);
    expect(outcomes[1]?.version).toBe(outcomes[0]?.version);
    expect(await cache.getOrCompute(entry, load)).toEqual({ n: 1 });
  });

  it('cannot be changed by whoever gets them', async () => {
    const entry = someEntry<{ list: number[] }>();
    const computed = await cache.getOrCompute(entry, () => Promise.resolve({ list: [1] }));
    expect(() => computed.list.push(2)).toThrow(TypeError);
    const never = () => Promise.reject(new Error('is kept'));
    const kept = await cache.getOrCompute(entry, never);
    try {
      kept.list.push(2); // what Redis alone keeps is a copy of the asker's own
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // all else is frozen
    }
    expect(await cache.getOrCompute(entry, never)).toEqual({ list: [1] });
  });

  it('are loaded once for all who ask at the same time, failures too', async () => {
    const entry = someEntry();
    let loads = 0;
    const fail = () => {
      loads++;
      return Promise.reject(new Error('the database is away'));
    };
    const outcomes = await Promise.allSettled(
      Array.from({ length: 100 }, () => cache.getOrCompute(entry, fail)),
    );
    expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true);
    expect(loads).toBe(1);
    expect(await cache.getOrCompute(entry, () => Promise.resolve(5))).toBe(5);
  });

  it('are dropped by any of their tags, by their key, and by a pattern', async () => {
    const entry = someEntry({ tags: [newId(), newId()] });
    const drops = [
      () => cache.invalidate([entry.tags[1] as string]),
      () => cache.delete(entry),
      () => cache.deletePattern(`test:*${(entry.key[1] as string).slice(8)}`),
    ];
    let n = 0;
    for (const drop of drops) {
      await cache.getOrCompute(entry, () => Promise.resolve(++n));
      await drop();
      expect(await cache.get(entry)).toBeUndefined();
      expect(await cache.getOrCompute(entry, () => Promise.resolve(++n))).toBe(n);
    }
    expect(n).toBe(4);
  });

  it.each([
    ['tag', (entry: CacheEntry<number>) => cache.invalidate(entry.tags)],
    ['key', (entry: CacheEntry<number>) => cache.delete(entry)],
    ['pattern', (entry: CacheEntry<number>) => cache.deletePattern(`test:${entry.key[1]}*`)],
    ['another value', (entry: CacheEntry<number>) => cache.set(entry, 2)],
  ])('are never filled by a load that began before an invalidation by %s', async (_by, invalidate) => {
    const entry = someEntry();
    const slow = slowLoad<number>();
    const old = cache.getOrCompute(entry, slow.load);
    await slow.begun;
    await invalidate(entry);
    const fresh = cache.getOrCompute(entry, () => Promise.resolve(2));
    expect(await fresh).toBe(2); // it neither joins the old load nor waits for it
    slow.end(1);
    expect(await old).toBe(1);
    expect(await cache.getOrCompute(entry, () => Promise.resolve(3))).toBe(2);
  });

  it('do not reach into each other by what a client sends', async () => {
    const id = newId();
    const keyed = (...parts: string[]): CacheEntry<number> => ({
      key: [`book-${id}`, ...parts],
      ttlSeconds: 60,
      tags: [],
    });
    await cache.getOrCompute(keyed('solar:20'), () => Promise.resolve(1));
    expect(await cache.getOrCompute(keyed('solar', '20'), () => Promise.resolve(2))).toBe(2);
    for (const wild of ['*', '?olar', '[s]olar', '{solar}', '\\solar'])
      expect(await cache.getOrCompute(keyed(wild), () => Promise.resolve(3))).toBe(3);
    expect(await cache.deletePattern(`book-${id}:?olar*`)).toBe(0);
    expect(await cache.deletePattern(`book-${id}:solar:*`)).toBe(1);
    expect(await cache.get(keyed('solar:20'))).toBe(1);
    expect(await cache.deletePattern(`book-${id}:*`)).toBe(6);
  });

  it('can be nothing, for a shorter time', async () => {
    const entry = someEntry<null>({ ttlSeconds: 3600 });
    const load = jest.fn(() => Promise.resolve(null));
    expect(await cache.getOrCompute(entry, load)).toBeNull();
    const { value, freshUntil, createdAt } = await cache.answer(entry, load);
    expect(value).toBeNull();
    expect(load).toHaveBeenCalledTimes(1);
    expect(freshUntil - createdAt).toBeLessThanOrEqual(33_000);
  });

  it('end, a little earlier or later than they say', async () => {
    const entry = someEntry({ ttlSeconds: 0.05 });
    let loads = 0;
    await cache.getOrCompute(entry, () => Promise.resolve(++loads));
    await until(async () => (await cache.getOrCompute(entry, () => Promise.resolve(++loads))) > 1);
    expect(loads).toBe(2);
  });

  it('are given out stale while a new one is computed, where the entry says so', async () => {
    const entry = someEntry({ ttlSeconds: 0.05, staleSeconds: 60 });
    await cache.getOrCompute(entry, () => Promise.resolve(1));
    const slow = slowLoad<number>();
    const outcomes: string[] = [];
    await until(async () => {
      const { outcome, value } = await cache.answer(entry, slow.load);
      expect(value).toBe(1);
      outcomes.push(outcome);
      return outcome === 'stale';
    });
    expect(outcomes).not.toContain('miss');
    await slow.begun;
    slow.end(2);
    await until(async () => (await cache.get(entry)) === 2);
  });

  it('are kept and read by hand, one or many', async () => {
    const [one, two] = [newId(), newId()].map((id) => cache.buildKey('by-hand', id)) as [string, string];
    expect(await cache.get(one)).toBeUndefined();
    expect(await cache.set(one, { a: [1, 'two', null] })).toBe(true);
    expect(await cache.mset([[two, 2]], 10)).toBe(true);
    expect(await cache.mget([two, 'by-hand:none', one])).toEqual([2, undefined, { a: [1, 'two', null] }]);
    await cache.delete(one);
    expect(await cache.get(one)).toBeUndefined();
  });

  it('are not kept when they are too large or no plain JSON, and what was there before is not either', async () => {
    const entry = someEntry<unknown>();
    const large = 'x'.repeat(1024 ** 2);
    let loads = 0;
    for (const value of [large, { at: new Date() }, 1n, undefined]) {
      await cache.set(entry, 'small');
      expect(await cache.set(entry, value)).toBe(false);
      expect(await cache.get(entry)).toBeUndefined();
      const load = () => Promise.resolve((loads++, value));
      expect([await cache.getOrCompute(entry, load), await cache.getOrCompute(entry, load)]).toEqual([
        value,
        value,
      ]);
    }
    expect(loads).toBe(8);
    const { prefixes } = await cache.stats();
    expect(prefixes.find(({ prefix }) => prefix === 'test')).toMatchObject({ tooLarge: 3, notPlain: 9 });
  });

  it('come back as they were when they are large enough to be compressed', async () => {
    const entry = someEntry<string[]>();
    const value = Array.from({ length: 5_000 }, (_item, index) => `número ${index} 🔋`);
    await cache.set(entry, value);
    expect(await cache.get(entry)).toEqual(value);
    expect(await cache.getOrCompute(entry, () => Promise.reject(new Error('is kept')))).toEqual(value);
  });

  it('are counted up, with an end that is really set', async () => {
    const [counter, ending] = [newId(), newId()];
    const counts = await Promise.all(Array.from({ length: 50 }, () => cache.increment(counter)));
    expect([...counts].sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_one, index) => index + 1));
    expect(await cache.incrementWithTtl(ending, 0.05)).toBe(1);
    await until(async () => (await cache.incrementWithTtl(ending, 0.05)) === 1);
  });

  it('tell how often they were at hand', async () => {
    const entry = someEntry({ key: [`counted-${newId()}`, 'x'] });
    for (let asked = 0; asked < 4; asked++) await cache.getOrCompute(entry, () => Promise.resolve(1));
    const { hits, misses, hitRate, prefixes } = await cache.stats();
    expect({ hits, misses, hitRate }).toEqual({ hits: 3, misses: 1, hitRate: 0.75 });
    expect(prefixes.find(({ prefix }) => prefix === entry.key[0])).toMatchObject({ loads: 1 });
  });
});

describe('a quota', () => {
  it('lets exactly as much through as the limit, over two processes', async () => {
    const caches = [await connectedCache({ url: redisUrl() }), await connectedCache({ url: redisUrl() })];
    const key = newId();
    const limit = { limit: 100, windowMs: 60_000 };
    const taken = await Promise.all(
      Array.from({ length: 300 }, async (_one, index) => caches[index % 2]?.cache.quota.take(key, limit)),
    );
    expect(taken.filter((one) => one?.allowed)).toHaveLength(100);
    const refused = taken.find((one) => !one?.allowed);
    expect(refused?.resetMs).toBeGreaterThan(0);
  });
});
