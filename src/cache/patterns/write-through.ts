import type { CacheEntry } from '../cache-entry';
import type { CacheService } from '../cache.service';

/**
 * Write-through: a value is stored and kept in one step, so that the next reader finds it at hand.
 *
 * For single values that are read right after they are written, by everybody: a price that was just set. Writers of one
 * key must come one after the other, by a lock of its row say: of two at once the cache cannot know which one the
 * database took last. Values that several rows make up belong under tags instead.
 */
export class WriteThrough<Key, Value> {
  constructor(
    private readonly cache: CacheService,
    private readonly entryOf: (key: Key) => CacheEntry<Value>,
    private readonly load: (key: Key) => Promise<Value>,
    /** Resolves when the value is committed. */
    private readonly store: (key: Key, value: Value) => Promise<void>,
  ) {}

  read(key: Key): Promise<Value> {
    return this.cache.getOrCompute(this.entryOf(key), () => this.load(key));
  }

  /** Where storing fails nobody knows what is stored: the kept value is dropped, and the error passed on. */
  async write(key: Key, value: Value): Promise<void> {
    try {
      await this.store(key, value);
    } catch (error) {
      await this.cache.delete(this.entryOf(key));
      throw error;
    }
    await this.cache.set(this.entryOf(key), value);
  }
}
