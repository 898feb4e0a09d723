/** `closed`: it is asked; `open`: nobody waits for it; `half-open`: it is being tried. */
export type BreakerState = 'closed' | 'half-open' | 'open';

/** Failures in a row after which nobody waits any more. */
const FAILURES = 3;
const FIRST_TRY_MS = 100;
const LAST_TRY_MS = 2_000;
const ROUNDS = 2;

interface Watcher {
  /** It is tried again: whatever has to be done before others may use it. Rejects when it still fails. */
  tryAgain(): Promise<void>;
  /** @param state the new one @param reason why it opened */
  changed(state: BreakerState, reason?: string): void;
}

/**
 * Keeps callers from waiting for something that does not answer. It opens by itself, is tried in the background with
 * growing pauses, and closes when a try succeeded.
 */
export class CircuitBreaker {
  private current: BreakerState = 'closed';
  private failures = 0;
  private pauseMs = FIRST_TRY_MS;
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;
  private trying = Promise.resolve();
  /** Something failed while it was being tried. */
  private again = false;

  constructor(private readonly watcher: Watcher) {}

  get state(): BreakerState {
    return this.current;
  }

  get isClosed(): boolean {
    return this.current === 'closed';
  }

  succeeded(): void {
    this.failures = 0;
  }

  failed(reason: string): void {
    if (++this.failures >= FAILURES) this.open(reason);
  }

  /** Opens at once: what failed may not be left as it is. */
  open(reason: string): void {
    if (this.current === 'half-open') this.again = true;
    if (this.current !== 'closed' || this.stopped) return;
    this.change('open', reason);
    this.pauseMs = FIRST_TRY_MS;
    this.schedule();
  }

  /**
   * Tries now instead of at the end of the pause: something says that it is back.
   * @returns when that is over, or the try that was running
   */
  hurry(): Promise<void> {
    if (this.current === 'open') {
      clearTimeout(this.timer);
      this.trying = this.attempt();
    }
    return this.trying;
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  private schedule(): void {
    if (this.stopped) return;
    this.timer = setTimeout(() => {
      this.trying = this.attempt();
    }, this.pauseMs);
    this.timer.unref();
    this.pauseMs = Math.min(this.pauseMs * 2, LAST_TRY_MS);
  }

  private async attempt(): Promise<void> {
    if (this.stopped || this.current !== 'open') return;
    this.change('half-open');
    if (await this.succeeds()) {
      this.failures = 0;
      this.change('closed');
    } else {
      this.change('open');
      this.schedule();
    }
  }

  /** What failed while it was being tried is tried once more at once, and then after a pause. */
  private async succeeds(): Promise<boolean> {
    try {
      for (let round = 0; round < ROUNDS; round++) {
        this.again = false;
        await this.watcher.tryAgain();
        if (!this.again) return true;
      }
    } catch {
      // It says so by being open.
    }
    return false;
  }

  private change(state: BreakerState, reason?: string): void {
    this.current = state;
    this.watcher.changed(state, reason);
  }
}
