import { documentSteps, edited, type EditBlock } from './document-blocks';

const fenced = (info: string, text: string, above = 'Write `src/a.ts`:'): string =>
  ['# Title', '', above, '', `\`\`\`${info}`, text, '```', '', 'On.'].join('\n');

describe('what a document tells its reader to do', () => {
  it('is to write files, shown in full', () => {
    expect(documentSteps(fenced('ts file=src/a.ts', 'const a = 1;\n\nconst b = 2;'))).toEqual([
      { kind: 'file', line: 5, file: 'src/a.ts', text: 'const a = 1;\n\nconst b = 2;\n', drafted: false },
    ]);
  });

  it('is to find files that a command has written', () => {
    expect(documentSteps(fenced('ts file=src/a.ts drafted', 'a'))).toMatchObject([{ drafted: true }]);
  });

  it('is to add lines to a file beside a line of it', () => {
    const above = 'In `src/a.ts`, below `const a = [`,\nadd this:';
    expect(documentSteps(fenced('ts file=src/a.ts insert-below="const a = ["', '1,', above))).toMatchObject([
      { kind: 'edit', file: 'src/a.ts', place: 'below', anchor: 'const a = [', text: '1,\n' },
    ]);
  });

  it('is to type commands, and to see what they print', () => {
    const session = '$ npm run one\nfirst\nsecond\n$ npm run two';
    expect(documentSteps(fenced('console exit=1', session))).toEqual([
      { kind: 'command', line: 6, command: 'npm run one', prints: 'first\nsecond', exitCode: 1 },
      { kind: 'command', line: 9, command: 'npm run two', prints: '', exitCode: 1 },
    ]);
  });

  it.each([
    ['a block without a file', fenced('ts', 'a'), 'The block on line 5 names no file: ts'],
    ['a file that the text does not name', fenced('ts file=b.ts', 'b'), 'does not name `b.ts`'],
    [
      'a place that the text does not name',
      fenced('ts file=src/a.ts insert-above="z"', 'a'),
      'The paragraph above the block on line 5 does not name `z`',
    ],
    ['a session without a command', fenced('console', 'done'), 'does not begin with a command after $'],
    ['a block without an end', '```ts file=a\nb', 'The block that begins on line 1 has no end'],
  ])('cannot be %s', (_, markdown, sentence) => {
    expect(() => documentSteps(markdown)).toThrow(sentence);
  });
});

describe('lines that are added', () => {
  const edit = (place: 'above' | 'below', anchor: string, text: string): EditBlock => ({
    kind: 'edit',
    line: 1,
    file: 'src/a.ts',
    place,
    anchor,
    text,
  });
  const list = 'const a = [\n  1,\n  3,\n];\n';

  it('go in as far as the line beside them', () => {
    expect(edited(list, edit('below', '1,', '2,\n'))).toBe('const a = [\n  1,\n  2,\n  3,\n];\n');
    expect(edited(list, edit('above', '1', 'a,\n\nb,\n\n'))).toBe(
      'const a = [\n  a,\n\n  b,\n\n  1,\n  3,\n];\n',
    );
  });

  it('go nowhere when no line, or more than one, begins so', () => {
    expect(() => edited(list, edit('above', '2,', 'x\n'))).toThrow('0 lines of src/a.ts begin with 2,');
    expect(() => edited('1,\n1,\n', edit('above', '1', 'x\n'))).toThrow('2 lines of src/a.ts begin with 1');
  });
});
