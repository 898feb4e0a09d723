import { Presets, SingleBar } from 'cli-progress';

/** Tells somebody who waits how far the work is. */
export interface Progress {
  /** Begins a step of so many units of work; the one before is over. */
  begin(title: string, total: number): void;
  advance(done?: number): void;
  /** A sentence that is worth knowing now. */
  note(sentence: string): void;
  /** Puts the screen in order; also when the work failed. */
  end(): void;
}

/** For those whom nobody watches. */
export const silence: Progress = {
  begin: () => undefined,
  advance: () => undefined,
  note: () => undefined,
  end: () => undefined,
};

/** Bars where a person watches, one plain line for each finished step otherwise. */
export function progressOn(stream: NodeJS.WriteStream): Progress {
  return stream.isTTY ? new Bars(stream) : new Lines(stream);
}

const TITLE_WIDTH = 22;

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

  note(sentence: string): void {
    this.end();
    this.stream.write(`${sentence}\n`);
  }

  end(): void {
    this.bar?.stop();
    this.bar = undefined;
  }
}

class Lines implements Progress {
  private step: { title: string; done: number; total: number } | undefined;

  constructor(private readonly stream: NodeJS.WriteStream) {}

  begin(title: string, total: number): void {
    this.end();
    this.step = { title, done: 0, total };
  }

  advance(done = 1): void {
    if (this.step !== undefined) this.step.done += done;
  }

  note(sentence: string): void {
    this.stream.write(`${sentence}\n`);
  }

  end(): void {
    if (this.step !== undefined) {
      this.stream.write(`${this.step.title.padEnd(TITLE_WIDTH)} ${this.step.done}/${this.step.total}\n`);
    }
    this.step = undefined;
  }
}
