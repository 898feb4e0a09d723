import { EventEmitter } from 'node:events';
import type { KeyvStoreAdapter, StoredData } from 'keyv';
import { buildKey, type CacheEntry } from './cache-entry';
import type { CacheService } from './cache.service';

/** Everything that packages keep by Nest's CACHE_MANAGER lies below this. */
const PREFIX = 'cache-manager';

/**
 * Our tiers for packages that know cache-manager: what they keep by it is shared, bounded and kept out of the way like
 * our own. It costs them Keyv's wrapping and JSON; our own code uses {@link CacheService}.
 */
export class KeyvStore extends EventEmitter implements KeyvStoreAdapter {
  readonly opts = {};
  namespace?: string | undefined;

  constructor(private readonly cache: CacheService) {
    super();
  }

  get<Value>(key: string): Promise<StoredData<Value> | undefined> {
    return this.cache.get(placeOf(key) as CacheEntry<StoredData<Value>>);
  }

  getMany<Value>(keys: string[]): Promise<StoredData<Value | undefined>[]> {
    return this.cache.mget(keys.map((key) => placeOf(key) as CacheEntry<StoredData<Value | undefined>>));
  }

  /** @param ttl in milliseconds; unset: the default of our cache, since nothing is kept for ever */
  async set(key: string, value: unknown, ttl?: number): Promise<boolean> {
    const seconds = ttl === undefined ? this.cache.defaultTtlSeconds : ttl / 1000;
    return this.cache.set(placeOf(key), value, seconds);
  }

  async delete(key: string): Promise<boolean> {
    const was = (await this.cache.get(placeOf(key))) !== undefined;
    await this.cache.delete(placeOf(key));
    return was;
  }

  async deleteMany(keys: string[]): Promise<boolean> {
    return (await Promise.all(keys.map((key) => this.delete(key)))).some(Boolean);
  }

  async has(key: string): Promise<boolean> {
    return (await this.cache.get(placeOf(key))) !== undefined;
  }

  /** What was kept by cache-manager, and nothing else. */
  async clear(): Promise<void> {
    const below = this.namespace === undefined ? PREFIX : buildKey(PREFIX, `${this.namespace}:`);
    await this.cache.deletePattern(this.namespace === undefined ? `${below}:*` : `${below}*`);
  }
}

const placeOf = (key: string): CacheEntry<unknown> => ({ key: [PREFIX, key], ttlSeconds: 0, tags: [] });
