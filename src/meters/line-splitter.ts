/** One line of an upload. `text` is undefined where the line is longer than allowed. */
export interface Line {
  /** Counts from 1. */
  readonly number: number;
  readonly text: string | undefined;
}

const LINE_FEED = 0x0a;
const BYTE_ORDER_MARK = 0xfeff;
const NOTHING = Buffer.alloc(0);

/**
 * Cuts a stream of bytes into lines of UTF-8, wherever its chunks begin and end. Keeps at most one line:
 * what goes on beyond `longest` bytes is passed over, not collected.
 */
export class LineSplitter {
  private count = 0;
  private carried: Buffer = NOTHING;
  private overlong = false;

  /** @param longest bytes that a line may have */
  constructor(private readonly longest: number) {}

  /** The lines that end in this chunk. */
  *push(chunk: Buffer): Generator<Line> {
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, start)) {
      this.carry(chunk.subarray(start, end));
      yield this.take();
      start = end + 1;
    }
    this.carry(chunk.subarray(start));
  }

  /** The last line, where the stream does not end with a line feed. */
  *end(): Generator<Line> {
    if (this.overlong || this.carried.length > 0) yield this.take();
  }

  private carry(part: Buffer): void {
    this.overlong ||= this.carried.length + part.length > this.longest;
    if (this.overlong) this.carried = NOTHING;
    else if (part.length > 0)
      this.carried = this.carried.length === 0 ? part : Buffer.concat([this.carried, part]);
  }

  private take(): Line {
    const number = ++this.count;
    const text = this.overlong ? undefined : this.textOf(this.carried, number);
    this.carried = NOTHING;
    this.overlong = false;
    return { number, text };
  }

  private textOf(bytes: Buffer, number: number): string {
    const text = bytes.toString('utf8');
    const begin = number === 1 && text.charCodeAt(0) === BYTE_ORDER_MARK ? 1 : 0;
    return text.slice(begin, text.endsWith('\r') ? -1 : undefined);
  }
}
