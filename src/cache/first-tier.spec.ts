import { CacheStatistics } from './cache-statistics';
import { FirstTier } from './first-tier';

const statistics = new CacheStatistics().of('test');

describe('the first tier', () => {
  const put = (
    tier: FirstTier,
    key: string,
    { tags = [] as string[], bytes = 100, expiresAt = 1_000 } = {},
  ) => {
    const states = tier.tags.statesOf(tags);
    const times = { createdAt: 0, freshUntil: expiresAt, expiresAt, renewAt: expiresAt, retryAt: 0 };
    const generations = states.map(({ generation }) => generation);
    tier.put(key, { value: key, version: 'v', ...times, states, generations, statistics }, bytes);
  };

  it('gives out what is there, until its end', () => {
    const tier = new FirstTier(1e6);
    put(tier, 'a');
    expect(tier.get('a', 999)?.value).toBe('a');
    expect(tier.get('a', 1_000)).toBeUndefined();
    expect(tier.size).toMatchObject({ entries: 0, bytes: 0 });
  });

  it('never takes more bytes than it may, and keeps what is used', () => {
    const tier = new FirstTier(100_000);
    for (let index = 0; index < 100; index++) put(tier, `key ${index}`, { bytes: 500 });
    put(tier, 'used', { bytes: 500 });
    for (let index = 100; index < 1_000; index++) {
      put(tier, `key ${index}`, { bytes: 500 });
      expect(tier.size.bytes).toBeLessThanOrEqual(100_000);
      expect(tier.get('used', 1)?.value).toBe('used');
    }
    expect(tier.size.entries).toBeGreaterThan(40);
    put(tier, 'huge', { bytes: 100_000 });
    expect(tier.get('huge', 1)).toBeUndefined();
    tier.clear();
    expect(tier.size.bytes).toBe(0);
    expect(statistics.memory.bytes).toBe(0);
  });

  it('counts the bytes of what it replaces no more', () => {
    const tier = new FirstTier(1e6);
    for (let round = 0; round < 50; round++) put(tier, 'a', { bytes: round });
    const once = new FirstTier(1e6);
    put(once, 'a', { bytes: 49 });
    expect(tier.size).toEqual(once.size);
  });

  it('drops by tag in one step, and only what carries it', () => {
    const tier = new FirstTier(1e6);
    put(tier, 'a', { tags: ['x', 'y'] });
    put(tier, 'b', { tags: ['y'] });
    tier.tags.drop('x');
    expect([tier.get('a', 1), tier.get('b', 1)?.value]).toEqual([undefined, 'b']);
  });

  it('drops what lies under a tag that it forgets', () => {
    const tier = new FirstTier(1e6);
    put(tier, 'a', { tags: ['x'] });
    for (let index = 0; index < 200_001; index++) tier.tags.statesOf([`tag ${index}`]);
    expect(tier.get('a', 1)).toBeUndefined();
  });

  it('keeps nothing while it is closed', () => {
    const tier = new FirstTier(1e6);
    put(tier, 'a');
    tier.close();
    put(tier, 'b');
    tier.open();
    expect([tier.get('a', 1), tier.get('b', 1)]).toEqual([undefined, undefined]);
  });
});
