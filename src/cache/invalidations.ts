import { Logger } from '@nestjs/common';
import { withinDeadline } from '../common/deadline';
import type { Transaction } from '../database/transaction';
import type { FirstTier } from './first-tier';
import type { InFlight } from './in-flight';
import type { BusListener, Invalidation, InvalidationBus } from './invalidation-bus';
import { patternMatcher } from './key-pattern';
import type { RedisGate } from './redis/redis-gate';
import type { RedisInvalidations } from './redis/redis-invalidations';
import { HOLD_MS, newVersion } from './redis/tag-versions';

/** More than this that could not be said becomes "everything": after an outage that is dropped anyway. */
const MAX_OWED = 1_000;
const RETRY_MS = 500;
/** Without Redis, at the end. */
const LAST_TRY_MS = 1_000;

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
  private owed = new Owed();
  private timer: NodeJS.Timeout | undefined;
  /** Of what may be committed a moment after it was asked about. */
  private readonly later = new Map<NodeJS.Timeout, readonly string[]>();

  constructor(
    private readonly first: FirstTier,
    private readonly flights: InFlight,
    private readonly bus: InvalidationBus,
    private readonly shared: SharedTier | undefined,
  ) {
    shared?.gate.onRecovery((asker, dropsAll) =>
      this.payDebts(dropsAll, (owed, paid) => shared.invalidations.deliver(owed, undefined, asker, paid)),
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

  /** Says what is still owed, if that can be done in a moment: nobody else knows of it. */
  async close(): Promise<void> {
    clearTimeout(this.timer);
    for (const [timer, tags] of this.later) {
      clearTimeout(timer);
      this.note({ tags });
    }
    this.later.clear();
    // While Redis is being tried what is owed is on its way.
    if (this.owed.isNothing && (this.shared?.gate.isOpen ?? true)) return;
    await this.payNow().catch(() => undefined);
    if (this.owed.isNothing) return;
    this.logger.warn(
      'Other processes could not be told what was changed last: what they keep of it counts until its time is over',
    );
  }

  private payNow(): Promise<void> {
    const { shared } = this;
    if (shared === undefined) {
      const paid = this.payDebts(false, (owed) => this.bus.publish(owed));
      return withinDeadline(paid, LAST_TRY_MS, 'PostgreSQL');
    }
    if (!shared.gate.isOpen) return shared.gate.tryNow();
    return this.payDebts(false, (owed, paid) =>
      shared.invalidations.deliver(owed, undefined, undefined, paid),
    );
  }

  private follow(tx: Transaction, pending: Pending): void {
    tx.beforeCommit(pending, async () => {
      pending.isHeld = true;
      await this.announce(tx, pending);
    });
    const settle = () => this.settle([...pending.tags], pending.holder);
    tx.afterEnd((outcome) => {
      if (outcome === 'unknown') return this.dropTwice([...pending.tags]);
      return outcome === 'committed' || pending.isHeld ? settle() : undefined;
    });
  }

  /**
   * Nobody knows whether it was committed, or will be in a moment: it is dropped now, and when the hold, if there is one,
   * has ended by itself.
   */
  private async dropTwice(tags: readonly string[]): Promise<void> {
    const again = setTimeout(() => {
      this.later.delete(again);
      void this.now({ tags });
    }, HOLD_MS).unref();
    this.later.set(again, tags);
    await this.now({ tags });
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

  private owe(invalidation: Invalidation, error: unknown): void {
    this.note(invalidation);
    const reason = `an invalidation was not taken: ${error instanceof Error ? error.message : String(error)}`;
    if (this.shared === undefined) this.retryLater(reason);
    else this.shared.gate.mustRecover(reason);
  }

  /** What becomes "everything" means everything in Redis too, whoever has raised its namespace meanwhile. */
  private note(invalidation: Invalidation): void {
    this.owed.add(invalidation);
    if (this.owed.all) this.shared?.gate.mustDropAll();
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

  /**
   * What is owed is delivered also where everything is dropped: another process may have raised the namespace before we
   * owed it, and kept something under the new one since.
   */
  private async payDebts(
    dropsAll: boolean,
    deliver: (owed: Invalidation, paid: (part: Invalidation) => void) => Promise<unknown>,
  ): Promise<void> {
    const { owed } = this;
    if (!dropsAll && owed.isNothing) return;
    const invalidation = { ...owed.lists(), ...((owed.all || dropsAll) && { all: true as const }) };
    // What is owed from now on is another debt, the same tag too.
    this.owed = new Owed();
    try {
      await deliver(invalidation, (part) => owed.strike(part));
    } catch (error) {
      this.note({ ...owed.lists(), ...(owed.all && { all: true as const }) });
      throw error;
    }
    this.drop(invalidation);
  }
}

/** What others still have to be told. */
class Owed {
  readonly tags = new Set<string>();
  readonly keys = new Set<string>();
  readonly patterns = new Set<string>();
  /** So much that it is everything. */
  all = false;

  get isNothing(): boolean {
    return !this.all && this.size === 0;
  }

  private get size(): number {
    return this.tags.size + this.keys.size + this.patterns.size;
  }

  lists() {
    return { tags: [...this.tags], keys: [...this.keys], patterns: [...this.patterns] };
  }

  /** They have been told of this. */
  strike({ tags = [], keys = [], patterns = [] }: Invalidation): void {
    for (const tag of tags) this.tags.delete(tag);
    for (const key of keys) this.keys.delete(key);
    for (const pattern of patterns) this.patterns.delete(pattern);
  }

  add({ tags = [], keys = [], patterns = [], all }: Invalidation): void {
    for (const tag of tags) this.tags.add(tag);
    for (const key of keys) this.keys.add(key);
    for (const pattern of patterns) this.patterns.add(pattern);
    if (!all && this.size <= MAX_OWED) return;
    this.all = true;
    for (const texts of [this.tags, this.keys, this.patterns]) texts.clear();
  }
}
