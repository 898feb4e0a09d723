import Table from 'cli-table3';
import { formatBytes, formatCount } from '../../common/figures';
import type { BloatReport } from '../indexes/bloat';
import type { IndexStatistics } from '../indexes/index-statistics';
import type { Step } from '../indexes/index-step';

const STYLE = { head: [], border: [], compact: true };
/** The narrowest that a question is broken to. */
const QUESTION_WIDTH = 24;

/**
 * The statistics as an aligned table.
 * @param columns the width of the terminal: questions are broken to fit; not broken where nobody watches
 */
export function statisticsTable(statistics: readonly IndexStatistics[], columns?: number): string {
  const head = ['index', 'table', 'kind', 'valid', 'scans', 'size', 'question'];
  const rows = statistics.map(({ index, table, kind, valid, idxScan, bytes, question }) => [
    index,
    table,
    kind,
    valid,
    formatCount(idxScan),
    formatBytes(bytes),
    question ?? '(known to no declaration)',
  ]);
  const sums = [formatCount(sum(statistics, 'idxScan')), formatBytes(sum(statistics, 'bytes'))];
  rows.push([`${statistics.length} indexes`, '', '', '', ...sums, '']);
  const others = head.slice(0, -1).map((title, place) => widthOf([title, ...rows.map((row) => row[place])]));
  const left = (columns ?? 0) - others.reduce((total, width) => total + width + 1, 2);
  const table = new Table({
    head,
    colAligns: ['left', 'left', 'left', 'left', 'right', 'right', 'left'],
    style: STYLE,
    ...(columns === undefined
      ? {}
      : { wordWrap: true, colWidths: [...others, Math.max(QUESTION_WIDTH, left)] }),
  });
  table.push(...rows);
  return table.toString();
}

/** What could be given back, the most first. */
export function bloatTable({ indexes, method }: BloatReport): string {
  const table = new Table({
    head: ['index', 'table', 'size', method === 'exact' ? 'bloat' : 'bloat (estimate)', 'share'],
    colAligns: ['left', 'left', 'right', 'right', 'right'],
    style: STYLE,
  });
  const byBloat = [...indexes].sort((a, b) => (b.bloatBytes ?? -1) - (a.bloatBytes ?? -1));
  for (const { index, table: name, bytes, bloatBytes } of byBloat) {
    const share =
      bloatBytes === undefined || bytes === 0 ? '' : `${Math.round((bloatBytes / bytes) * 100)} %`;
    table.push([
      index,
      name,
      formatBytes(bytes),
      bloatBytes === undefined ? 'unknown' : formatBytes(bloatBytes),
      share,
    ]);
  }
  return table.toString();
}

/** Steps as psql takes them: short ones as transactions that do not let others wait for long. */
export function stepsAsSql(steps: readonly Step[]): string {
  return steps
    .flatMap(({ manner, statements }) => {
      const lines = statements.map((statement) => `${statement};`);
      return manner === 'briefly' ? ['BEGIN;', `SET LOCAL lock_timeout = '5s';`, ...lines, 'COMMIT;'] : lines;
    })
    .join('\n');
}

const sum = (statistics: readonly IndexStatistics[], key: 'idxScan' | 'bytes'): number =>
  statistics.reduce((total, row) => total + row[key], 0);

/** Of a column, with a space on either side. */
const widthOf = (cells: readonly (string | undefined)[]): number =>
  Math.max(...cells.map((cell) => cell?.length ?? 0)) + 2;
