import type { CacheEntry } from '../cache-entry';
import type { CacheService } from '../cache.service';

/**
 * Cache-aside: the caller asks the cache, computes where it holds nothing, and drops what it changes.
 *
 * The pattern for nearly everything: answers made of many rows, where a write knows by tags what it touches. The
 * database is the truth, and a cache that is away costs time and nothing else.
 */
export class CacheAside<Key, Value> {
  constructor(
    private readonly cache: CacheService,
    private readonly entryOf: (key: Key) => CacheEntry<Value>,
  ) {}

  /** @param load computes the answer; it differs from caller to caller, but not in what comes of it */
  read(key: Key, load: () => Promise<Value>): Promise<Value> {
    return this.cache.getOrCompute(this.entryOf(key), load);
  }

  /** After the caller wrote: the next one who reads computes. In a transaction use tags and invalidateAfterCommit. */
  async forget(key: Key): Promise<void> {
    await this.cache.delete(this.entryOf(key));
  }
}
