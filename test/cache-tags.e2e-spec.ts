import { createClient } from 'redis';
import type { CacheEntry } from '../src/cache/cache-entry';
import { closeCaches, connectedCache, RedisProcess, someEntry, type LabCache } from './support/cache-lab';

const HOUR_MS = 3_600_000;

describe('the version of a tag in Redis', () => {
  let server: RedisProcess;
  let client: ReturnType<typeof createClient>;
  let lab: LabCache;

  beforeAll(async () => {
    server = await RedisProcess.start();
    client = createClient({ url: server.url });
    await client.connect();
  });
  beforeEach(async () => {
    lab = await connectedCache({ url: server.url });
  });
  afterEach(closeCaches);
  afterAll(async () => {
    await client.disconnect();
    await server.stop();
  });

  /** Milliseconds; -2 where there is none. */
  const lifeOf = (entry: CacheEntry<unknown>) => client.pTTL(`gridtokenx:t:${entry.tags[0]}`);

  it('is not made by looking something up', async () => {
    const entry = someEntry();
    expect(await lab.cache.get(entry)).toBeUndefined();
    expect(await lab.cache.get({ ...entry, sharedOnly: true })).toBeUndefined();
    expect(await lifeOf(entry)).toBe(-2);
  });

  it('does not outlive a load in vain by more than a minute', async () => {
    for (const entry of [someEntry(), someEntry({ sharedOnly: true })]) {
      const asked = lab.cache.getOrCompute(entry, () => Promise.reject(new Error('there is none')));
      await expect(asked).rejects.toThrow('there is none');
      expect(await lifeOf(entry)).toBeLessThanOrEqual(60_000);
    }
  });

  it('lives little longer than the answer that there is none', async () => {
    const entry = someEntry<number | null>({ ttlSeconds: 3_600, nullTtlSeconds: 120 });
    expect(await lab.cache.getOrCompute(entry, () => Promise.resolve(null))).toBeNull();
    expect(await lifeOf(entry)).toBeGreaterThan(120_000);
    expect(await lifeOf(entry)).toBeLessThan(200_000);
  });

  it('outlives every answer, also where there was none before', async () => {
    const tags = ['a tag that was asked for before'];
    const [none, some] = [someEntry<number | null>({ tags }), someEntry({ tags })];
    await lab.cache.getOrCompute(none, () => Promise.resolve(null));
    await lab.cache.getOrCompute(some, () => Promise.resolve(1));
    expect(await lifeOf(some)).toBeGreaterThan(24 * HOUR_MS);
    const other = await connectedCache({ url: server.url });
    expect(await other.cache.get(some)).toBe(1);
  });

  it('is not lengthened while somebody holds it', async () => {
    const entry = someEntry();
    const asked = lab.cache.getOrCompute(entry, async () => {
      await lab.parts.shared?.invalidations.hold(entry.tags, 'somebody');
      return 1;
    });
    expect(await asked).toBe(1);
    expect(await lifeOf(entry)).toBeLessThanOrEqual(5_000);
  });
});
