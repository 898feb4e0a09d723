import fc from 'fast-check';
import { LineSplitter, type Line } from './line-splitter';

const linesOf = (chunks: readonly Buffer[], longest = 1_000): Line[] => {
  const splitter = new LineSplitter(longest);
  return [...chunks.flatMap((chunk) => [...splitter.push(chunk)]), ...splitter.end()];
};

const textsOf = (text: string): (string | undefined)[] =>
  linesOf([Buffer.from(text)]).map((line) => line.text);

function cut(bytes: Buffer, at: readonly number[]): Buffer[] {
  const places = [...at.map((place) => place % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  return places.map((place, index) => bytes.subarray(places[index - 1] ?? 0, place));
}

describe('LineSplitter', () => {
  it('numbers lines from 1, blank ones included', () => {
    expect(linesOf([Buffer.from('a\n\nb\n')])).toEqual([
      { number: 1, text: 'a' },
      { number: 2, text: '' },
      { number: 3, text: 'b' },
    ]);
  });

  it('takes a last line without a line feed, and nothing after one with it', () => {
    expect(textsOf('a\nb')).toEqual(['a', 'b']);
    expect(textsOf('a\nb\n')).toEqual(['a', 'b']);
    expect(textsOf('')).toEqual([]);
  });

  it('takes CRLF and drops a byte order mark, but only before the first line', () => {
    expect(textsOf('\ufeffa\r\n\ufeffb\r\n')).toEqual(['a', '\ufeffb']);
  });

  it('says that a line is too long, and goes on with the next one', () => {
    const chunks = ['short\n', 'x'.repeat(7), 'x'.repeat(7), 'x\nnext\n', 'y'.repeat(11)].map((text) =>
      Buffer.from(text),
    );
    expect(linesOf(chunks, 10).map(({ text }) => text)).toEqual(['short', undefined, 'next', undefined]);
  });

  it('finds the same lines wherever the chunks are cut, in the middle of a character too', () => {
    const line = fc.string({ unit: 'grapheme' }).filter((text) => !/[\n\r\ufeff]/.test(text));
    fc.assert(
      fc.property(fc.array(line, { minLength: 1 }), fc.array(fc.nat()), (lines, at) => {
        const bytes = Buffer.from(lines.map((text) => `${text}\n`).join(''));
        expect(linesOf(cut(bytes, at), 10_000).map(({ text }) => text)).toEqual(lines);
      }),
    );
  });

  it('never gives out a line that is longer than allowed', () => {
    fc.assert(
      fc.property(fc.string(), fc.array(fc.nat()), fc.integer({ min: 1, max: 20 }), (text, at, longest) => {
        for (const line of linesOf(cut(Buffer.from(text), at), longest)) {
          expect(Buffer.byteLength(line.text ?? '')).toBeLessThanOrEqual(longest);
        }
      }),
    );
  });
});
