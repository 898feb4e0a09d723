import type { CacheEntry } from '../cache-entry';
import type { CacheService } from '../cache.service';

/**
 * Read-through: the cache itself knows how to compute; callers know only the cache.
 *
 * For look-ups of one kind that many places make in the same way, such as settings or rules: how they are loaded is
 * said once.
 */
export class ReadThrough<Key, Value> {
  constructor(
    private readonly cache: CacheService,
    private readonly entryOf: (key: Key) => CacheEntry<Value>,
    private readonly load: (key: Key) => Promise<Value>,
  ) {}

  read(key: Key): Promise<Value> {
    return this.cache.getOrCompute(this.entryOf(key), () => this.load(key));
  }
}
