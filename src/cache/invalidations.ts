import { Logger } from '@nestjs/common';
import type { Transaction } from '../database/transaction';
import type { FirstTier } from './first-tier';
import type { InFlight } from './in-flight';
import type { BusListener, Invalidation, InvalidationBus } from './invalidation-bus';
import { patternMatcher } from './key-pattern';
import type { RedisGate } from './redis/redis-gate';
import type { RedisInvalidations } from './redis/redis-invalidations';
import { HOLD_MS, newVersion } from './redis/tag-versions';

/** More than this that could not be said becomes "everything". */
const MAX_OWED = 10_000;
const RETRY_MS = 500;

/** What the tags of one transaction wait for. */
interface Pending {
  readonly tags: Set<string>;
  readonly holder: string;
  /** Its tags are on hold: what comes later needs a hold of its own. */
  isHeld: boolean;
}

export interface SharedTier {
  readonly gate: RedisGate;
  readonly invalidations: RedisInvalidations;
}

/**
 * Drops what is kept: in this process, in Redis, and in the other processes. What cannot be said now stays owed, and
 * is said before Redis is used again.
 */
export class Invalidations implements BusListener {
  private readonly logger = new Logger('Cache');
  private readonly pending = new WeakMap<Transaction, Pending>();
  private readonly owed = { tags: new Set<string>(), keys: new Set<string>(), patterns: new Set<string>() };
  private owesAll = false;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly first: FirstTier,
    private readonly flights: InFlight,
    private readonly bus: InvalidationBus,
    private readonly shared: SharedTier | undefined,
  ) {
    shared?.gate.onRecovery((asker, dropsAll) =>
      this.payDebts(dropsAll, (owed) => shared.invalidations.deliver(owed, undefined, asker)),
    );
  }

  /** Drops everything under the tags once the transaction is committed, also when this process dies in between. */
  afterCommit(tx: Transaction, tags: readonly string[]): void {
    if (tags.length === 0) return;
    let pending = this.pending.get(tx);
    if (pending === undefined || pending.isHeld) {
      pending = { tags: new Set(), holder: newVersion(), isHeld: false };
      this.pending.set(tx, pending);
      this.follow(tx, pending);
    }
    for (const tag of tags) pending.tags.add(tag);
  }

  /** Drops it now. @returns how many answers its patterns reached in Redis, or in memory where there is no Redis */
  async now(invalidation: Invalidation, holder?: string): Promise<number> {
    const dropped = this.drop(invalidation);
    let deleted = dropped;
    try {
      if (this.shared !== undefined) deleted = await this.shared.invalidations.deliver(invalidation, holder);
      else await this.bus.publish(invalidation);
    } catch (error) {
      this.owe(invalidation, error);
    }
    // Once more: a look-up between the two may have found what was still there.
    this.drop(invalidation);
    return deleted;
  }

  heard(invalidation: Invalidation): void {
    this.drop(invalidation);
  }

  lost(): void {
    this.first.close();
    this.flights.doomAll();
  }

  listening(): void {
    this.flights.doomAll();
    this.first.open();
  }

  close(): void {
    clearTimeout(this.timer);
  }

  private follow(tx: Transaction, pending: Pending): void {
    tx.beforeCommit(pending, async () => {
      pending.isHeld = true;
      await this.announce(tx, pending);
    });
    const settle = () => this.settle([...pending.tags], pending.holder);
    tx.afterEnd((outcome) => {
      if (outcome === 'unknown') return this.dropLater([...pending.tags]);
      return outcome === 'committed' || pending.isHeld ? settle() : undefined;
    });
  }

  /**
   * Nobody knows whether it was committed, or will be in a moment. In Redis the hold ends by itself, and with it the
   * tags' versions; in memory they are dropped now and when that time is over.
   */
  private dropLater(tags: readonly string[]): void {
    this.drop({ tags });
    if (this.shared === undefined) setTimeout(() => this.drop({ tags }), HOLD_MS).unref();
  }

  private async announce(tx: Transaction, { tags, holder }: Pending): Promise<void> {
    if (this.shared === undefined) {
      await this.bus.publishWith?.(tx, { tags: [...tags] });
      return;
    }
    this.drop({ tags: [...tags] });
    try {
      await this.shared.invalidations.hold([...tags], holder);
    } catch {
      // Redis is away: what it does not take after the commit is owed.
    }
  }

  private async settle(tags: readonly string[], holder: string): Promise<void> {
    if (this.shared !== undefined) await this.now({ tags }, holder);
    else this.drop({ tags });
  }

  private drop({ tags = [], keys = [], patterns = [], all }: Invalidation): number {
    for (const tag of tags) this.first.tags.drop(tag);
    for (const key of keys) {
      this.flights.doomKey(key);
      this.first.delete(key);
    }
    let dropped = 0;
    for (const pattern of patterns) {
      const matches = patternMatcher(pattern);
      this.flights.doomMatching(matches);
      dropped += this.first.deleteMatching(matches);
    }
    if (all) {
      this.flights.doomAll();
      this.first.clear();
    }
    return dropped;
  }

  private owe({ tags = [], keys = [], patterns = [], all }: Invalidation, error: unknown): void {
    for (const tag of tags) this.owed.tags.add(tag);
    for (const key of keys) this.owed.keys.add(key);
    for (const pattern of patterns) this.owed.patterns.add(pattern);
    const { owed } = this;
    if (all || owed.tags.size + owed.keys.size + owed.patterns.size > MAX_OWED) this.owesAll = true;
    const reason = `an invalidation was not taken: ${error instanceof Error ? error.message : String(error)}`;
    if (this.shared === undefined) this.retryLater(reason);
    else {
      if (this.owesAll) this.shared.gate.mustDropAll();
      this.shared.gate.mustRecover(reason);
    }
  }

  /** Without Redis: the others keep what they have until they are told. */
  private retryLater(reason: string): void {
    if (this.timer !== undefined) return;
    this.logger.warn(`Other processes are told again: ${reason}`);
    const retry = () => {
      this.payDebts(false, (owed) => this.bus.publish(owed)).then(
        () => (this.timer = undefined),
        () => (this.timer = setTimeout(retry, RETRY_MS).unref()),
      );
    };
    this.timer = setTimeout(retry, RETRY_MS).unref();
  }

  private async payDebts(
    dropsAll: boolean,
    deliver: (owed: Invalidation) => Promise<unknown>,
  ): Promise<void> {
    const all = this.owesAll || dropsAll;
    const [tags, keys, patterns] = [[...this.owed.tags], [...this.owed.keys], [...this.owed.patterns]];
    if (!all && tags.length + keys.length + patterns.length === 0) return;
    // With the namespace raised nothing in Redis counts any more, whatever its tags.
    const owed: Invalidation = all ? { all: true } : { tags, keys, patterns };
    await deliver(owed);
    this.drop(owed);
    this.owesAll = false;
    for (const tag of tags) this.owed.tags.delete(tag);
    for (const key of keys) this.owed.keys.delete(key);
    for (const pattern of patterns) this.owed.patterns.delete(pattern);
  }
}
