import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';

/** Work that has begun and has not ended. */
export class InFlight {
  private readonly work = new Set<Promise<unknown>>();

  async track<Result>(work: Promise<Result>): Promise<Result> {
    this.work.add(work);
    try {
      return await work;
    } finally {
      this.work.delete(work);
    }
  }

  /** Resolves when all work has ended and has begun nothing new, or when the time is over. */
  async settle(withinMs: number): Promise<void> {
    const over = new AbortController();
    const deadline = delay(withinMs, undefined, { signal: over.signal }).catch(() => undefined);
    const end = Date.now() + withinMs;
    while (this.work.size > 0 && Date.now() < end) {
      await Promise.race([Promise.allSettled(this.work), deadline]);
      await nextTurn();
    }
    over.abort();
  }
}
