import type { Counters } from './counters';

/** A process takes at most this part of what is left ahead, so that what it does not use up is missing nowhere else. */
const SHARES = 20;
const MAX_KEYS = 100_000;

/** How much of something a window of time allows. */
export interface Limit {
  readonly limit: number;
  readonly windowMs: number;
}

export interface Taken {
  readonly allowed: boolean;
  /** At most, as far as this process knows. */
  readonly remaining: number;
  /** Until the window begins anew. */
  readonly resetMs: number;
}

interface Share {
  /** Counted in Redis already, not used up here yet. */
  left: number;
  /** Of all processes when the share was taken. */
  remaining: number;
  /** How much was taken ahead. */
  size: number;
  /** How many here wait for a share. */
  waiting: number;
  /** By the clock that nobody sets. */
  endsAt: number;
  /** A share on its way; everybody here waits for the same one. */
  coming: Promise<void> | undefined;
}

/**
 * Limits that all processes share, without a round trip for each thing that is let through: a process counts a small
 * share ahead and uses that up by itself. It begins with one and doubles the share while it uses it up, so that many
 * processes which let little through leave enough to each other; where more than that wait, it counts for all of them.
 * Never lets more through than the limit while Redis is there; a share that is not used up is lost when the window ends.
 * While Redis is away each process limits by itself.
 */
export class Quota {
  private readonly shares = new Map<string, Share>();

  constructor(private readonly counters: Counters) {}

  /** Takes one. Synchronous while the share lasts or the limit is reached. */
  take(key: string, limit: Limit): Taken | Promise<Taken> {
    const share = this.shareOf(key);
    return this.takeFrom(share, limit) ?? this.fetchAndTake(key, share, limit);
  }

  /** What is known here without taking one: undefined unless nothing is left until the window begins anew. */
  spent(key: string): Taken | undefined {
    const share = this.shares.get(key);
    if (share === undefined || share.left > 0 || share.remaining > 0) return undefined;
    const resetMs = share.endsAt - performance.now();
    return resetMs > 0 ? { allowed: false, remaining: 0, resetMs } : undefined;
  }

  private takeFrom(share: Share, { limit }: Limit): Taken | undefined {
    const resetMs = share.endsAt - performance.now();
    if (resetMs <= 0) return undefined;
    if (share.left > 0) {
      share.left--;
      return { allowed: true, remaining: Math.min(limit, share.remaining + share.left), resetMs };
    }
    return share.remaining > 0 ? undefined : { allowed: false, remaining: 0, resetMs };
  }

  /** Whoever waits counts until it is served, so that the next share is large enough for all of them. */
  private async fetchAndTake(key: string, share: Share, limit: Limit): Promise<Taken> {
    share.waiting++;
    try {
      for (;;) {
        share.coming ??= this.fetch(key, share, limit).finally(() => (share.coming = undefined));
        await share.coming;
        const taken = this.takeFrom(share, limit);
        if (taken !== undefined) return taken;
      }
    } finally {
      share.waiting--;
    }
  }

  private async fetch(key: string, share: Share, { limit, windowMs }: Limit): Promise<void> {
    share.size = nextSize(share);
    const wanted = Math.min(limit, Math.max(share.size, share.waiting));
    const { value, leftMs = windowMs } = await this.counters.increment(key, wanted, windowMs);
    const before = value - wanted;
    share.left = Math.max(0, Math.min(wanted, limit - before));
    share.remaining = Math.max(0, limit - value);
    share.endsAt = performance.now() + Math.max(1, leftMs);
    this.moveBehind(key, share);
  }

  private shareOf(key: string): Share {
    let share = this.shares.get(key);
    if (share === undefined) {
      if (this.shares.size >= MAX_KEYS) this.makeRoom();
      share = { left: 0, remaining: 0, size: 0, waiting: 0, endsAt: 0, coming: undefined };
      this.shares.set(key, share);
    }
    return share;
  }

  /** Those that were fetched last stand last. */
  private moveBehind(key: string, share: Share): void {
    if (this.shares.get(key) !== share) return; // it had to make room meanwhile
    this.shares.delete(key);
    this.shares.set(key, share);
  }

  /** Drops the tenth that was fetched longest ago, ended or not: what was counted of them is kept by the counters. */
  private makeRoom(): void {
    let surplus = this.shares.size - 0.9 * MAX_KEYS;
    for (const key of this.shares.keys()) {
      if (surplus-- <= 0) break;
      this.shares.delete(key);
    }
  }
}

function nextSize({ size, remaining, endsAt }: Share): number {
  if (endsAt <= performance.now()) return 1;
  return Math.max(1, Math.min(2 * size, Math.floor(remaining / SHARES)));
}
