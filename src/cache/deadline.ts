/** Somebody else did not answer in time. */
export class TooLate extends Error {}

/**
 * The answer, or {@link TooLate}. When this process itself was busy, an answer that has arrived meanwhile still counts:
 * timers come first after a pause, and sockets are read before it is given up.
 */
export function withinDeadline<Result>(
  answer: Promise<Result>,
  milliseconds: number,
  who: string,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      setImmediate(() => reject(new TooLate(`${who} did not answer within ${milliseconds} ms`)));
    }, milliseconds);
    answer.then(
      (result) => {
        clearTimeout(timer);
        resolve(result);
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(error instanceof Error ? error : new Error(String(error)));
      },
    );
  });
}

/** What is waited for, between what was asked before and after it. */
class Wait {
  before: Wait | undefined;
  after: Wait | undefined;
  isListed = true;

  constructor(
    readonly endsAt: number,
    readonly refuse: (error: TooLate) => void,
  ) {}
}

/**
 * The same for many answers at once that may all take equally long: what was asked first ends first, so that one timer
 * does for all of them, and nothing of an answer that has arrived is left behind.
 */
export class Deadlines {
  private first: Wait | undefined;
  private last: Wait | undefined;
  private isWatching = false;

  constructor(
    private readonly milliseconds: number,
    private readonly who: string,
  ) {}

  within<Result>(answer: Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      const wait = this.add(reject);
      answer.then(
        (result) => {
          this.remove(wait);
          resolve(result);
        },
        (error: unknown) => {
          this.remove(wait);
          reject(error instanceof Error ? error : new Error(String(error)));
        },
      );
    });
  }

  private add(refuse: (error: TooLate) => void): Wait {
    const wait = new Wait(performance.now() + this.milliseconds, refuse);
    wait.before = this.last;
    if (this.last === undefined) this.first = wait;
    else this.last.after = wait;
    this.last = wait;
    if (!this.isWatching) this.watch(this.milliseconds);
    return wait;
  }

  private remove(wait: Wait): void {
    if (!wait.isListed) return;
    wait.isListed = false;
    const { before, after } = wait;
    if (before === undefined) this.first = after;
    else before.after = after;
    if (after === undefined) this.last = before;
    else after.before = before;
  }

  /** The sockets of what is asked keep the process alive, the timer does not. */
  private watch(milliseconds: number): void {
    this.isWatching = true;
    setTimeout(() => this.check(), milliseconds).unref();
  }

  private check(): void {
    this.isWatching = false;
    const now = performance.now();
    while (this.first !== undefined && this.first.endsAt <= now) this.end(this.first);
    if (this.first !== undefined) this.watch(this.first.endsAt - now);
  }

  private end(wait: Wait): void {
    this.remove(wait);
    setImmediate(() => wait.refuse(new TooLate(`${this.who} did not answer within ${this.milliseconds} ms`)));
  }
}
