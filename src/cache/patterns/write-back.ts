import type { CacheEntry } from '../cache-entry';
import type { CacheService } from '../cache.service';

/** A value that waits to be stored. */
export interface Waiting<Key, Value> {
  readonly key: Key;
  readonly value: Value;
}

/**
 * A queue that survives a crash of every process: a table, or a queue of durable jobs. It is part of the database that
 * the values go to in the end, not of the cache.
 */
export interface DurableQueue<Key, Value> {
  /** Resolves when the value would survive a crash. */
  append(item: Waiting<Key, Value>): Promise<void>;
  /** What waits last under a key, so that a reader sees what was acknowledged. */
  latest(key: Key): Promise<Waiting<Key, Value> | undefined>;
  /**
   * Hands over what waits longest, to one process at a time for each key and in the order it was appended, and forgets
   * it when `store` resolves. What `store` rejects, and what was handed over when a process died, is handed over again.
   * @returns false when nothing waits
   */
  handOver(store: (item: Waiting<Key, Value>) => Promise<void>): Promise<boolean>;
}

/**
 * Write-back: a write is acknowledged as soon as it is in a durable queue, and stored later.
 *
 * For many small writes to few keys, such as last-seen times or counts, that may reach their table some seconds late.
 * Not for money or energy: those are written where they count, in their transaction.
 */
export class WriteBack<Key, Value> {
  private flushing: Promise<number> | undefined;

  constructor(
    private readonly cache: CacheService,
    private readonly entryOf: (key: Key) => CacheEntry<Value>,
    private readonly load: (key: Key) => Promise<Value>,
    /** Stores a value, also when it has stored the same one before. */
    private readonly store: (key: Key, value: Value) => Promise<void>,
    private readonly queue: DurableQueue<Key, Value>,
  ) {}

  /** What was written last, stored already or not. */
  read(key: Key): Promise<Value> {
    return this.cache.getOrCompute(this.entryOf(key), async () => {
      const waiting = await this.queue.latest(key);
      return waiting === undefined ? this.load(key) : waiting.value;
    });
  }

  /** Resolves when a crash would not lose it. @throws where the queue did not take it: nothing was written then */
  async write(key: Key, value: Value): Promise<void> {
    await this.queue.append({ key, value });
    // Dropped, not set: of two writers the queue knows who came last, the cache does not.
    await this.cache.delete(this.entryOf(key));
  }

  /**
   * Stores what waits, oldest first; called every so often, and at the start for what a crash left behind.
   * @returns how many values were stored; what could not be stored waits on, and its error is passed on
   */
  flush(): Promise<number> {
    this.flushing ??= this.storeAll().finally(() => (this.flushing = undefined));
    return this.flushing;
  }

  private async storeAll(): Promise<number> {
    let stored = 0;
    while (await this.queue.handOver(({ key, value }) => this.store(key, value))) stored++;
    return stored;
  }
}
