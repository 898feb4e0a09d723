import { Presets, SingleBar } from 'cli-progress';

/** Tells somebody who waits how far the work is. */
export interface Progress {
  /** Begins a step of so many units of work; the one before is over. */
  begin(title: string, total: number): void;
  advance(done?: number): void;
  /** Puts the screen in order; also when the work failed. */
  end(): void;
}

/** For those whom nobody watches. */
export const silence: Progress = {
  begin: () => undefined,
  advance: () => undefined,
  end: () => undefined,
};

/** Bars where a person watches, one plain line for each finished step otherwise. */
export function progressOn(stream: NodeJS.WriteStream): Progress {
  return stream.isTTY ? new Bars(stream) : new Lines(stream);
}

const TITLE_WIDTH = 24;

class Bars implements Progress {
  private bar: SingleBar | undefined;

  constructor(private readonly stream: NodeJS.WriteStream) {}

  begin(title: string, total: number): void {
    this.end();
    const format = `${title.padEnd(TITLE_WIDTH)} {bar} {percentage}% {value}/{total} {duration_formatted}`;
    const options = {
      stream: this.stream,
      format,
      hideCursor: true,
      barsize: 30,
      fps: 10,
      noTTYOutput: false,
    };
    this.bar = new SingleBar(options, Presets.shades_classic);
    this.bar.start(total, 0);
  }

  advance(done = 1): void {
    this.bar?.increment(done);
  }

  end(): void {
    this.bar?.stop();
    this.bar = undefined;
  }
}

class Lines implements Progress {
  private step: { title: string; total: number; done: number; began: number } | undefined;

  constructor(private readonly stream: NodeJS.WriteStream) {}

  begin(title: string, total: number): void {
    this.end();
    this.step = { title, total, done: 0, began: performance.now() };
  }

  advance(done = 1): void {
    if (this.step !== undefined) this.step.done += done;
  }

  end(): void {
    if (this.step === undefined) return;
    const { title, total, done, began } = this.step;
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    this.stream.write(`${title.padEnd(TITLE_WIDTH)} ${done}/${total} in ${seconds} s\n`);
    this.step = undefined;
  }
}
