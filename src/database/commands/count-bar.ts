import { Presets, SingleBar } from 'cli-progress';

/** How many of so many things are done, where a person watches. */
export class CountBar {
  private readonly bar: SingleBar | undefined;

  constructor(stream: NodeJS.WriteStream, title: string, total: number) {
    if (!stream.isTTY) return;
    const format = `${title} {bar} {value}/{total}`;
    this.bar = new SingleBar({ stream, format, hideCursor: true, barsize: 30 }, Presets.shades_classic);
    this.bar.start(total, 0);
  }

  advance(): void {
    this.bar?.increment();
  }

  /** Puts the screen in order; may be called twice. */
  end(): void {
    this.bar?.stop();
  }
}
