const STEP_MS = 20;

/**
 * The wall clock, up to some hundredths of a second late: for what is asked millions of times a second, where asking the
 * system would take longer than all the rest.
 */
export class CoarseClock {
  now = Date.now();
  private readonly timer = setInterval(() => (this.now = Date.now()), STEP_MS).unref();

  stop(): void {
    clearInterval(this.timer);
  }
}
