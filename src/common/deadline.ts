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

/** Who has to know how it ended. */
interface Watcher {
  succeeded(): void;
  failed(reason: Error): void;
}

/** What is waited for, between what was asked before and after it. */
class Wait {
  before: Wait | undefined;
  after: Wait | undefined;
  isListed = true;
  isOver = false;

  constructor(
    readonly endsAt: number,
    readonly fail: (error: TooLate) => void,
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

  /** @param watcher is told how it ended before anybody else is */
  within<Result>(answer: Promise<Result>, watcher?: Watcher): Promise<Result> {
    return new Promise((resolve, reject) => {
      const fail = (error: unknown): void => {
        const reason = error instanceof Error ? error : new Error(String(error));
        watcher?.failed(reason);
        reject(reason);
      };
      const wait = this.add(fail);
      answer.then(
        (result) => {
          if (!this.finish(wait)) return;
          watcher?.succeeded();
          resolve(result);
        },
        (error: unknown) => {
          if (this.finish(wait)) fail(error);
        },
      );
    });
  }

  private add(fail: (error: TooLate) => void): Wait {
    const wait = new Wait(performance.now() + this.milliseconds, fail);
    wait.before = this.last;
    if (this.last === undefined) this.first = wait;
    else this.last.after = wait;
    this.last = wait;
    if (!this.isWatching) this.watch(this.milliseconds);
    return wait;
  }

  /** @returns whether it was not over before */
  private finish(wait: Wait): boolean {
    if (wait.isOver) return false;
    wait.isOver = true;
    if (wait.isListed) this.unlink(wait);
    return true;
  }

  private unlink(wait: Wait): void {
    const { before, after } = wait;
    wait.isListed = false;
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

  /** What has arrived while this process was busy is read before it is given up. */
  private end(wait: Wait): void {
    this.unlink(wait);
    setImmediate(() => {
      if (!this.finish(wait)) return;
      wait.fail(new TooLate(`${this.who} did not answer within ${this.milliseconds} ms`));
    });
  }
}
