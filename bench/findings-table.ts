import Table from 'cli-table3';
import { formatCount } from '../src/common/figures';
import { holds, times, type Comparison, type Finding, type Limit } from './finding';

/** For people: every side with its figure, and how it stands to what it is measured against. */
export function findingsTable(findings: readonly Finding[]): string {
  const table = new Table({
    head: ['', 'side', 'figure', 'against', 'ratio', 'promised', ''],
    colAligns: ['left', 'left', 'right', 'left', 'right', 'right', 'left'],
    style: { head: [], border: [], compact: true },
  });
  for (const finding of findings) for (const row of rowsOf(finding)) table.push(row);
  return table.toString();
}

function* rowsOf({ title, unit, sides, comparisons }: Finding): Generator<string[]> {
  const rows = Math.max(sides.length, comparisons.length);
  for (let row = 0; row < rows; row++) {
    const side = sides[row];
    const figure = side === undefined ? '' : `${grouped(side.figure)} ${unit}`;
    yield [row === 0 ? title : '', side?.side ?? '', figure, ...comparisonCells(comparisons[row])];
  }
}

function comparisonCells(comparison: Comparison | undefined): string[] {
  if (comparison === undefined) return ['', '', '', ''];
  const { side, against, ratio, limit } = comparison;
  return [`${side} : ${against}`, times(ratio), promise(limit), holds(comparison) ? 'kept' : 'missed'];
}

const promise = (limit: Limit): string =>
  'atLeast' in limit ? `≥ ${times(limit.atLeast)}` : `≤ ${times(limit.atMost)}`;

/** Three digits are all that a measurement tells. */
const grouped = (figure: number): string => formatCount(Number(figure.toPrecision(3)));
