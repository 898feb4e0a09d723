import { withoutValues } from '../../database/statement-fingerprint';

/** What a plan compares a column of one table with. */
export interface Comparison {
  readonly column: string;
  readonly kind: 'equal' | 'range';
  /** With a column of another table. */
  readonly join: boolean;
}

/** A column by which a plan sorts. */
export interface SortKey {
  readonly column: string;
  readonly descending: boolean;
}

const NAME = String.raw`(?:"(?:[^"]|"")+"|[a-z_][\w$]*)`;
const CAST = String.raw`(?:::[\w ".]+(?:\(\d+\))?(?:\[\])?)?`;
const OPERATOR = String.raw`(=|<=|>=|<|>)`;
const OTHER_COLUMN = new RegExp(String.raw`(?<![\w$".])${NAME}\.${NAME}(?!\()`);

/**
 * What the conditions of a plan ask of one table, by their words in EXPLAIN (VERBOSE): only what all of them ask together, since
 * no index serves one side of an OR.
 * @param alias of the table in the plan, as it is written there
 */
export function comparisonsOf(alias: string, conditions: readonly string[]): Comparison[] {
  const own = `${escape(alias)}\\.(${NAME})`;
  const toTheLeft = new RegExp(String.raw`^\(*${own}\)*${CAST}\)* ${OPERATOR} (.+)$`);
  const toTheRight = new RegExp(String.raw`^(.+) ${OPERATOR} \(*${own}\)*${CAST}\)*$`);
  const mine = new RegExp(String.raw`(?<![\w$".])${escape(alias)}\.`);
  return conditions.flatMap(conjuncts).flatMap((conjunct): Comparison[] => {
    const [, leftColumn, leftOperator, right] = toTheLeft.exec(conjunct) ?? [];
    if (leftColumn !== undefined && right !== undefined && !mine.test(right))
      return [comparison(leftColumn, leftOperator, right)];
    const [, left, rightOperator, rightColumn] = toTheRight.exec(conjunct) ?? [];
    if (rightColumn !== undefined && left !== undefined && !mine.test(left))
      return [comparison(rightColumn, rightOperator, left)];
    return [];
  });
}

const comparison = (column: string, operator: string | undefined, other: string): Comparison => ({
  column: plain(column),
  kind: operator === '=' ? 'equal' : 'range',
  join: OTHER_COLUMN.test(other),
});

/** The parts of a condition that are joined by AND at its top; what an OR joins, or a NOT negates, is left out. */
export function conjuncts(condition: string): string[] {
  const text = unwrapped(withoutValues(condition));
  const parts = splitAt(text, ' AND ');
  if (parts.length > 1) return parts.flatMap(conjuncts);
  return splitAt(text, ' OR ').length > 1 || text.startsWith('NOT ') ? [] : [text];
}

/** Without the brackets around the whole. */
function unwrapped(text: string): string {
  let inner = text.trim();
  while (inner.startsWith('(') && closing(inner) === inner.length - 1) inner = inner.slice(1, -1).trim();
  return inner;
}

function closing(text: string): number {
  let depth = 0;
  for (let place = 0; place < text.length; place++) {
    if (text[place] === '(') depth += 1;
    if (text[place] === ')') depth -= 1;
    if (depth === 0) return place;
  }
  return -1;
}

function splitAt(text: string, word: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let begin = 0;
  for (let place = 0; place < text.length; place++) {
    if (text[place] === '(') depth += 1;
    if (text[place] === ')') depth -= 1;
    if (depth !== 0 || !text.startsWith(word, place)) continue;
    parts.push(text.slice(begin, place));
    begin = place + word.length;
  }
  return [...parts, text.slice(begin)];
}

/** Sort keys, if all of them are columns of this table in the usual order of nulls; else none. */
export function sortKeysOf(alias: string, keys: readonly string[]): SortKey[] {
  const form = new RegExp(`^\\(?${escape(alias)}\\.(${NAME})\\)?( DESC)?$`);
  const found = keys.map((key) => form.exec(key));
  if (found.includes(null)) return [];
  return found.map((match) => ({ column: plain(match?.[1] ?? ''), descending: match?.[2] !== undefined }));
}

const escape = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
const plain = (name: string): string =>
  name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name;
