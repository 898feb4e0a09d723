import type { DatabaseService } from '../../database/database.service';
import type { Transaction } from '../../database/transaction';
import type { CacheEntry } from '../cache-entry';
import type { CacheService } from '../cache.service';

/** An entry that a write can put on hold: it has a tag. */
export type TaggedEntry<Value> = CacheEntry<Value> & { readonly tags: readonly [string, ...string[]] };

/**
 * Write-through: a value is stored and kept in one step, so that the next reader finds it at hand.
 *
 * For single values that are read right after they are written, by everybody: a price that was just set. Any number of
 * processes may write at once: what is kept is what the database holds in the end. Values that several rows make up
 * belong under cache-aside instead.
 */
export class WriteThrough<Key, Value> {
  constructor(
    private readonly cache: CacheService,
    private readonly database: Pick<DatabaseService, 'transaction'>,
    private readonly entryOf: (key: Key) => TaggedEntry<Value>,
    /** Reads what is committed, from the primary. */
    private readonly load: (key: Key) => Promise<Value>,
    /** Stores the value as part of the transaction. */
    private readonly store: (tx: Transaction, key: Key, value: Value) => Promise<void>,
  ) {}

  read(key: Key): Promise<Value> {
    return this.cache.getOrCompute(this.entryOf(key), () => this.load(key));
  }

  /**
   * Resolves when the value is committed, and kept where the cache can keep it now. The tags are on hold through the
   * commit, so that a process that dies leaves nothing old.
   * @throws what storing throws: the kept value is still the right one then, or dropped where nobody knows
   */
  async write(key: Key, value: Value): Promise<void> {
    await this.database.transaction(async (tx) => {
      this.cache.invalidateAfterCommit(tx, this.entryOf(key).tags);
      await this.store(tx, key, value);
    });
    // Read back and not set: of two writers the database knows who came last, the cache does not. A load like any other
    // fills only if nobody has written since it began. Where it fails the next reader loads: it is committed already.
    await this.read(key).catch(() => undefined);
  }
}
