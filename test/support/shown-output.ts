/** Words that a document cannot know beforehand, such as NNNN, and what they turned out to be. */
export type Findings = Map<string, string>;

const WORD = /([A-Z])\1{3}/g;

/** A text of a document with everything put in that was found out before. */
export function withFindings(text: string, findings: Findings): string {
  return text.replace(WORD, (word) => findings.get(word) ?? word);
}

/**
 * Checks that a command printed what a document shows. `…` stands for anything within a line, a line of nothing else
 * for any lines; a word such as NNNN for digits that become a finding, the same wherever it stands.
 * @throws Error that shows both
 */
export function expectShown(shown: string, printed: string, findings: Findings): void {
  const expected = tidy(withFindings(shown, findings));
  const words = new Set<string>();
  const pattern = expected
    .split('\n')
    .map((line) => (line.trim() === '…' ? '(?:.*\n)*?' : `${linePattern(line, words)}\n`))
    .join('');
  const found = new RegExp(`^${pattern}$`).exec(`${tidy(printed)}\n`);
  if (found === null) throw new Error(`It should print\n\n${expected}\n\nbut prints\n\n${tidy(printed)}`);
  for (const word of words) findings.set(word, found.groups?.[word] ?? '');
}

function linePattern(line: string, words: Set<string>): string {
  return line.replace(/…|([A-Z])\1{3}|[\\^$.*+?()[\]{}|]/g, (part) => {
    if (part === '…') return '.*';
    if (part.length === 1) return `\\${part}`;
    if (words.has(part)) return `\\k<${part}>`;
    words.add(part);
    return `(?<${part}>\\d+)`;
  });
}

const COLOURS = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*[A-Za-z]`, 'g');

/** Without colours, trailing spaces, and empty lines around it. */
const tidy = (text: string): string =>
  text
    .replace(COLOURS, '')
    .replace(/[^\S\n]+$/gm, '')
    .replace(/^\n+|\n+$/g, '');
