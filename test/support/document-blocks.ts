/** A file of a document, shown in full. */
export interface FileBlock {
  readonly kind: 'file';
  /** Line of the document on which the block begins, from 1. */
  readonly line: number;
  /** Path in the project. */
  readonly file: string;
  readonly text: string;
  /** A command has written it: the document shows what it must have become. */
  readonly drafted: boolean;
}

/** Lines that a document adds to a file that is there, above or below the one line that begins with the anchor. */
export interface EditBlock extends Omit<FileBlock, 'kind' | 'drafted'> {
  readonly kind: 'edit';
  readonly place: 'above' | 'below';
  readonly anchor: string;
}

/** A command as it is typed, and what the document says that it prints. */
export interface ShownCommand {
  readonly kind: 'command';
  readonly line: number;
  readonly command: string;
  readonly prints: string;
  readonly exitCode: number;
}

export type DocumentStep = FileBlock | EditBlock | ShownCommand;

interface Fence {
  readonly line: number;
  readonly info: string;
  readonly lines: readonly string[];
  /** What stands above the block. */
  readonly paragraph: string;
}

/**
 * What a Markdown document tells its reader to do, from top to bottom. A block says it by its info string:
 *
 * - `ts file=src/a.ts`: the whole file;
 * - `ts file=src/a.ts drafted`: the whole file, as a command before wrote it;
 * - `ts file=src/a.ts insert-below="import"` or `insert-above`: lines for a file that is there;
 * - `console`, `console exit=1`: commands after `$`, each with what it prints.
 *
 * A reader sees no info strings, so the paragraph above a block has to name its file and its anchor in backticks.
 * @throws Error for a block that says none of these, or whose paragraph does not say what its info string says
 */
export function documentSteps(markdown: string): readonly DocumentStep[] {
  return fences(markdown).flatMap((fence): readonly DocumentStep[] =>
    /^console\b/.test(fence.info) ? commandsOf(fence) : [fileOf(fence)],
  );
}

function fences(markdown: string): readonly Fence[] {
  const lines = markdown.split('\n');
  const found: Fence[] = [];
  for (let at = 0; at < lines.length; at++) {
    const info = /^```(.*)$/.exec(lines[at] ?? '')?.[1];
    if (info === undefined) continue;
    const end = lines.indexOf('```', at + 1);
    if (end < 0) throw new Error(`The block that begins on line ${at + 1} has no end`);
    found.push({
      line: at + 1,
      info,
      lines: lines.slice(at + 1, end),
      paragraph: paragraphAbove(lines, at),
    });
    at = end;
  }
  return found;
}

function paragraphAbove(lines: readonly string[], fence: number): string {
  let end = fence;
  while (end > 0 && lines[end - 1] === '') end--;
  return lines.slice(lines.lastIndexOf('', end - 1) + 1, end).join(' ');
}

function fileOf(fence: Fence): FileBlock | EditBlock {
  const { line, info } = fence;
  const file = attribute(info, 'file');
  if (file === undefined)
    throw new Error(`The block on line ${line} names no file: ${info || 'no info string'}`);
  promises(fence, file);
  const text = `${fence.lines.join('\n')}\n`;
  const [above, below] = [attribute(info, 'insert-above'), attribute(info, 'insert-below')];
  const anchor = above ?? below;
  if (anchor === undefined) return { kind: 'file', line, file, text, drafted: info.endsWith(' drafted') };
  promises(fence, anchor);
  return { kind: 'edit', line, file, text, place: above === undefined ? 'below' : 'above', anchor };
}

function promises({ line, paragraph }: Fence, words: string): void {
  if (!paragraph.includes(`\`${words}\``))
    throw new Error(`The paragraph above the block on line ${line} does not name \`${words}\``);
}

/** `name=value` or `name="value with spaces"`. */
function attribute(info: string, name: string): string | undefined {
  const match = new RegExp(`(?:^| )${name}=(?:"([^"]*)"|(\\S+))`).exec(info);
  return match?.[1] ?? match?.[2];
}

function commandsOf({ line, info, lines }: Fence): readonly ShownCommand[] {
  const starts = lines.flatMap((text, index) => (text.startsWith('$ ') ? [index] : []));
  if (starts[0] !== 0) throw new Error(`The session on line ${line} does not begin with a command after $`);
  return starts.map((start, nth) => ({
    kind: 'command',
    line: line + 1 + start,
    command: (lines[start] ?? '').slice(2),
    prints: lines.slice(start + 1, starts[nth + 1]).join('\n'),
    exitCode: Number(attribute(info, 'exit') ?? 0),
  }));
}

/**
 * A file with the lines of an edit in it, as far in as the anchor. An empty line at the end of them is one of them.
 * @throws Error unless exactly one line begins with the anchor
 */
export function edited(text: string, { file, place, anchor, text: added }: EditBlock): string {
  const lines = text.split('\n');
  const anchors = lines.flatMap((line, index) => (line.trimStart().startsWith(anchor) ? [index] : []));
  const [at] = anchors;
  if (at === undefined || anchors.length > 1)
    throw new Error(`${anchors.length} lines of ${file} begin with ${anchor}: it must be one`);
  const indentation = /^ */.exec(lines[at] ?? '')?.[0] ?? '';
  const inserted = added
    .slice(0, -1)
    .split('\n')
    .map((line) => (line === '' ? '' : indentation + line));
  return lines.toSpliced(place === 'above' ? at : at + 1, 0, ...inserted).join('\n');
}
