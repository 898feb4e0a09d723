import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { CacheEvents, type CacheEvent } from '../src/cache/cache-events';
import type { CacheStore } from '../src/cache/cache-store';
import { CacheService } from '../src/cache/cache.service';
import type { CacheEntry } from '../src/cache/cache-entry';
import { MemoryStore } from '../src/cache/memory.store';
import { RedisStore } from '../src/cache/redis.store';
import { newId } from '../src/common/id';
import { until } from './support/eventually';

const sharedRedis = (): RedisStore => RedisStore.connect(process.env['TEST_REDIS_URL'] as string, 1_000);

describe.each([
  ['in this process', () => new MemoryStore()],
  ['in Redis', sharedRedis],
])('answers kept %s', (_, makeStore) => {
  let store: CacheStore;
  let cache: CacheService;
  let seen: CacheEvent[];

  beforeEach(async () => {
    store = makeStore();
    if (store instanceof RedisStore) await until(() => (store as RedisStore).isReady);
    const events = new CacheEvents();
    seen = [];
    events.subscribe((event) => seen.push(event));
    cache = new CacheService(store, events);
  });
  afterEach(() => cache.onApplicationShutdown());

  const entry = (tag = newId()): CacheEntry<{ n: number }> => ({
    key: ['offers:active', newId()],
    ttlSeconds: 60,
    tags: [tag],
  });

  it('are computed once', async () => {
    const kept = entry();
    let loads = 0;
    const load = () => Promise.resolve({ n: ++loads });
    expect(await cache.getOrCompute(kept, load)).toEqual({ n: 1 });
    expect(await cache.getOrCompute(kept, load)).toEqual({ n: 1 });
    expect(seen.map(({ result }) => result)).toEqual(['miss', 'hit']);
    expect(seen[0]).toMatchObject({ prefix: 'offers:active', tier: store.tier });
  });

  it('are loaded once for all who ask at the same time, failures too', async () => {
    const kept = entry();
    let loads = 0;
    const fail = () => {
      loads++;
      return Promise.reject(new Error('the database is away'));
    };
    const outcomes = await Promise.allSettled(
      Array.from({ length: 10 }, () => cache.getOrCompute(kept, fail)),
    );
    expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true);
    expect(loads).toBe(1);
    expect(await cache.getOrCompute(kept, () => Promise.resolve({ n: 5 }))).toEqual({ n: 5 });
  });

  it('are dropped by any of their tags', async () => {
    const kept = { ...entry(), tags: [newId(), newId()] };
    await cache.getOrCompute(kept, () => Promise.resolve({ n: 1 }));
    await cache.invalidate([kept.tags[1] as string]);
    expect(await cache.getOrCompute(kept, () => Promise.resolve({ n: 2 }))).toEqual({ n: 2 });
  });

  it('are never filled by a load that began before an invalidation', async () => {
    const kept = entry();
    let finish: (value: { n: number }) => void = () => undefined;
    const slow = cache.getOrCompute(kept, () => new Promise<{ n: number }>((resolve) => (finish = resolve)));
    await until(() => seen.length === 1);
    await cache.invalidate(kept.tags);
    const fresh = cache.getOrCompute(kept, () => Promise.resolve({ n: 2 }));
    finish({ n: 1 });
    expect(await slow).toEqual({ n: 1 });
    expect(await fresh).toEqual({ n: 2 });
    expect(await cache.getOrCompute(kept, () => Promise.resolve({ n: 3 }))).toEqual({ n: 2 });
  });

  it('do not reach into each other by what a client sends', async () => {
    const tag = newId();
    const keyed = (...parts: string[]): CacheEntry<number> => ({
      key: ['order:book', ...parts],
      ttlSeconds: 60,
      tags: [tag],
    });
    await cache.getOrCompute(keyed('solar:20'), () => Promise.resolve(1));
    expect(await cache.getOrCompute(keyed('solar', '20'), () => Promise.resolve(2))).toBe(2);
  });

  it('can be nothing', async () => {
    const kept: CacheEntry<null> = { ...entry(), value: null };
    let loads = 0;
    const load = () => {
      loads++;
      return Promise.resolve(null);
    };
    expect(await cache.getOrCompute(kept, load)).toBeNull();
    expect(await cache.getOrCompute(kept, load)).toBeNull();
    expect(loads).toBe(1);
  });
});

describe('answers that processes share in Redis', () => {
  it('are dropped for all of them', async () => {
    const [one, other] = [sharedRedis(), sharedRedis()];
    await until(() => one.isReady && other.isReady);
    const caches = [one, other].map((store) => new CacheService(store, new CacheEvents())) as [
      CacheService,
      CacheService,
    ];
    const entry: CacheEntry<number> = { key: ['order:book', newId()], ttlSeconds: 60, tags: [newId()] };
    await caches[0].getOrCompute(entry, () => Promise.resolve(1));
    expect(await caches[1].getOrCompute(entry, () => Promise.resolve(2))).toBe(1);
    await caches[1].invalidate(entry.tags);
    expect(await caches[0].getOrCompute(entry, () => Promise.resolve(3))).toBe(3);
    await Promise.all(caches.map((cache) => cache.onApplicationShutdown()));
  });
});

describe('while Redis is away', () => {
  const port = 20_000 + (process.pid % 20_000);
  const serve = () =>
    spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', ''], { stdio: 'ignore' });

  it('answers come from the database, and an invalidation is not forgotten', async () => {
    let server = serve();
    const store = RedisStore.connect(`redis://127.0.0.1:${port}`, 500);
    const cache = new CacheService(store, new CacheEvents());
    const entry: CacheEntry<number> = { key: ['meter:stats', 'u'], ttlSeconds: 60, tags: ['meter:u'] };
    try {
      await until(() => store.isReady);
      expect(await cache.getOrCompute(entry, () => Promise.resolve(1))).toBe(1);
      server.kill('SIGSTOP');
      expect(await cache.getOrCompute(entry, () => Promise.resolve(2))).toBe(2);
      await cache.invalidate(entry.tags);
      const hung = performance.now();
      for (let asked = 0; asked < 20; asked++) await cache.getOrCompute(entry, () => Promise.resolve(2));
      expect(performance.now() - hung).toBeLessThan(1_000); // 20 deadlines would be five seconds
      server.kill('SIGCONT');
      await until(async () => (await cache.getOrCompute(entry, () => Promise.resolve(3))) === 3);
      server.kill('SIGKILL');
      await once(server, 'exit');
      expect(await cache.getOrCompute(entry, () => Promise.resolve(4))).toBe(4);
      server = serve();
      await until(() => store.isReady);
      // It is asked again within the second: from then on an answer is kept, and not computed anew.
      let loads = 4;
      const ask = () => cache.getOrCompute(entry, () => Promise.resolve(++loads));
      await until(async () => (await ask()) === (await ask()));
      expect(loads).toBeGreaterThan(4);
    } finally {
      await cache.onApplicationShutdown();
      server.kill('SIGKILL');
    }
  }, 60_000);
});
