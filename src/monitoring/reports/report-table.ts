import Table from 'cli-table3';
import { formatBytes, formatCount, formatMilliseconds, formatShare } from '../../common/figures';
import type { Cell, Column, Finding, Unit } from './report';
import type { ReportAnswer } from './report-reader';

const STYLE = { head: [], border: [], compact: true };
/** Longer texts, such as statements, are cut in a table; JSON has them whole. */
const MOST_CHARACTERS = 80;
const TO_THE_LEFT: ReadonlySet<Unit> = new Set(['text', 'time', 'flag']);

/**
 * A report as text: its table, what to look at, and how to read it.
 * @param width of the terminal: columns from the left as far as they fit; unset, such as for a file: all of them
 */
export function reportText(answer: ReportAnswer, width?: number): string {
  const { title, meaning, remedy, available, missing, howTo, rows, findings, notes, summary } = answer;
  if (!available) return `${title}\n\nNot available: ${missing} is missing. ${howTo}.`;
  const parts = [`${title}\n${meaning}`, rows.length === 0 ? 'Nothing to show.' : rowsTable(answer, width)];
  if (summary !== undefined) parts.push(summaryLine(summary));
  if (findings.length > 0) parts.push(findingsText(findings), remedy);
  if (notes.length > 0) parts.push(notes.map((note) => `Note: ${note}`).join('\n'));
  return parts.join('\n\n');
}

/** Rows as a table: columns from the left as far as they fit the width. */
export function rowsTable(
  { columns, rows }: Pick<ReportAnswer, 'columns' | 'rows'>,
  width = Infinity,
): string {
  const texts = columns.map((column) => rows.map((row) => cellText(row[column.key] ?? null, column)));
  const shown = columns.slice(0, howManyFit(columns, texts, width));
  const table = new Table({
    head: shown.map(({ title }) => title),
    colAligns: shown.map(({ unit }) => (TO_THE_LEFT.has(unit) ? 'left' : 'right')),
    style: STYLE,
  });
  rows.forEach((_, row) => table.push(shown.map((_column, column) => texts[column]?.[row] ?? '')));
  const others = columns.slice(shown.length).map(({ title }) => title);
  if (others.length === 0) return table.toString();
  return `${table.toString()}\nThe terminal is too narrow for: ${others.join(', ')} (--wide shows them)`;
}

/** One at least; a column takes a space on either side and a line. */
function howManyFit(columns: readonly Column[], texts: readonly string[][], width: number): number {
  let left = width - 1;
  const tooWide = columns.findIndex(({ title }, index) => {
    left -= 3 + Math.max(title.length, ...(texts[index] ?? []).map(({ length }) => length));
    return left < 0;
  });
  return tooWide < 0 ? columns.length : Math.max(1, tooWide);
}

/** A figure as people read it. */
export function cellText(cell: Cell, { unit }: Pick<Column, 'unit'>): string {
  if (cell === null) return '';
  if (Array.isArray(cell)) return cut(cell.join(', '));
  if (typeof cell === 'boolean') return cell ? 'yes' : 'no';
  const shown = unit === 'text' || unit === 'time' ? undefined : figureText(Number(cell), unit);
  return shown ?? cut(String(cell));
}

function figureText(figure: number, unit: Exclude<Unit, 'text' | 'time'>): string | undefined {
  switch (unit) {
    case 'bytes':
      return figure < 0 ? `-${formatBytes(-figure)}` : formatBytes(figure);
    case 'milliseconds':
      return formatMilliseconds(figure);
    case 'seconds':
      return formatMilliseconds(figure * 1_000);
    case 'ratio':
      return formatShare(figure);
    case 'count':
      return formatCount(Math.round(figure));
    case 'flag':
      return undefined;
  }
}

const findingsText = (findings: readonly Finding[]): string =>
  findings
    .map(({ severity, subject, detail, remedy }) => `${severity.padEnd(8)} ${subject}: ${detail}. ${remedy}.`)
    .join('\n');

const summaryLine = (summary: Readonly<Record<string, Cell>>): string =>
  Object.entries(summary)
    .map(([name, cell]) => `${name}: ${cellText(cell, { unit: 'text' })}`)
    .join(', ');

function cut(text: string): string {
  const line = text.replace(/\s+/g, ' ');
  return line.length > MOST_CHARACTERS ? `${line.slice(0, MOST_CHARACTERS - 1)}…` : line;
}
