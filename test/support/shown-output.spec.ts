import { expectShown, withFindings, type Findings } from './shown-output';

describe('what a document shows of a command', () => {
  const fits = (shown: string, printed: string, findings: Findings = new Map()) => {
    expectShown(shown, printed, findings);
    return Object.fromEntries(findings);
  };

  it.each([
    ['the same', 'done (1 of 2)', 'done (1 of 2)\n'],
    ['nothing', '', '\n'],
    ['colours and trailing spaces aside', 'done\n\nnow', '\u001b[32mdone\u001b[39m  \n\nnow  \n'],
    ['something within a line', 'took … ms', 'took 12 ms'],
    ['some lines', 'first\n…\nlast', 'first\nsecond\nthird\nlast'],
    ['no lines where there could be some', 'first\n…\nlast', 'first\nlast'],
    ['lines at the end', 'first\n…', 'first\nsecond\n'],
  ])('may be %s', (_, shown, printed) => {
    expect(() => fits(shown, printed)).not.toThrow();
  });

  it.each([
    ['another word', 'done', 'failed'],
    ['a line more', 'done', 'done\nfailed'],
    ['a line less', 'first\nlast', 'first'],
    ['what a pattern would let through', 'a.b', 'axb'],
    ['a break where … is within a line', 'took … ms', 'took\nms'],
    ['two numbers for one word', 'NNNN NNNN', '12 13'],
  ])('is not %s', (_, shown, printed) => {
    expect(() => fits(shown, printed)).toThrow(`It should print\n\n${shown}\n\nbut prints\n\n${printed}`);
  });

  it('teaches what a number turned out to be', () => {
    const findings: Findings = new Map();
    expect(fits('wrote NNNN-a.ts, then MMMM-b.ts', 'wrote 0011-a.ts, then 0012-b.ts', findings)).toEqual({
      NNNN: '0011',
      MMMM: '0012',
    });
    expect(withFindings('migrations/NNNN-a.ts and OOOO', findings)).toBe('migrations/0011-a.ts and OOOO');
    expect(() => fits('applied NNNN', 'applied 0012', findings)).toThrow('It should print');
  });
});
