import { Presets, SingleBar } from 'cli-progress';

/** Tells somebody who waits how far a long measurement is. */
export interface Progress {
  /** So many units of so many are done, and what the last one was. */
  show(what: string, done: number, total: number): void;
  /** Puts the screen in order; also when the work failed. */
  end(): void;
}

const LINE_EVERY_MS = 15_000;

/** A bar where a person watches; otherwise a plain line now and then, for logs. */
export function progressOn(stream: NodeJS.WriteStream): Progress {
  return stream.isTTY ? new Bar(stream) : new Lines(stream);
}

class Bar implements Progress {
  private bar: SingleBar | undefined;

  constructor(private readonly stream: NodeJS.WriteStream) {}

  show(what: string, done: number, total: number): void {
    this.bar ??= this.begin(total);
    this.bar.setTotal(total);
    this.bar.update(done, { what });
  }

  end(): void {
    this.bar?.stop();
    this.bar = undefined;
  }

  private begin(total: number): SingleBar {
    const format = '{bar} {percentage}% {duration_formatted} {what}';
    const bar = new SingleBar(
      { stream: this.stream, format, hideCursor: true, barsize: 30, fps: 10, clearOnComplete: true },
      Presets.shades_classic,
    );
    bar.start(total, 0, { what: '' });
    return bar;
  }
}

class Lines implements Progress {
  private last = performance.now();

  constructor(private readonly stream: NodeJS.WriteStream) {}

  show(what: string, done: number, total: number): void {
    const now = performance.now();
    if (done < total && now - this.last < LINE_EVERY_MS) return;
    this.last = now;
    this.stream.write(`${Math.round((100 * done) / total)} % ${what}\n`);
  }

  end(): void {
    this.last = performance.now();
  }
}
