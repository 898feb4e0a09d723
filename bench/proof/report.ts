import Table from 'cli-table3';
import { fewestBuffers, isNamed, longest, mostBuffers, objections, shortest, type Evidence } from './proof';
import { PLAN_MODES } from './ask';
import { accessOf, scansOf } from './plan';

/** What a proof was made on. */
export interface Setting {
  /** PostgreSQL's own name for its version. */
  readonly postgres: string;
  /** Unset where no more was filled than some indexes take. */
  readonly sizes: { readonly readings: number; readonly others: number } | undefined;
}

/** How the times without an index come about. */
export const METHOD =
  'Without: with the index dropped in a transaction that is rolled back, all others in place. Of the two plans of a named ' +
  'statement, for its values and for any, the worse counts with the index and the better without it.';

/** A table for people, the failures in full, and how many are proven. */
export function reportOf(evidence: readonly Evidence[], setting: Setting): string {
  const table = new Table({
    head: [
      'index',
      'question',
      'taken by',
      'rows',
      'pages',
      'without',
      'ms',
      'without',
      'factor',
      'size',
      'write cost per row',
    ],
    colWidths: [null, 34, 26],
    colAligns: [
      'left',
      'left',
      'left',
      'right',
      'right',
      'right',
      'right',
      'right',
      'right',
      'right',
      'right',
    ],
    wordWrap: true,
    style: { head: [], border: [], compact: true },
  });
  for (const one of evidence) table.push(lineOf(one));
  return [
    circumstances(setting),
    table.toString(),
    METHOD,
    ...failuresOf(evidence),
    summaryOf(evidence),
  ].join('\n');
}

function circumstances({ postgres, sizes }: Setting): string {
  if (sizes === undefined) return postgres;
  return `${postgres}, ${grouped(sizes.readings)} readings, ${grouped(sizes.others)} rows of other large tables`;
}

/** `59 of 59 named indexes proven, 77 of 77 others`. */
export function summaryOf(evidence: readonly Evidence[]): string {
  const count = (some: readonly Evidence[]): string =>
    `${some.filter((one) => objections(one).length === 0).length} of ${some.length}`;
  const others = evidence.filter((one) => !isNamed(one));
  return `${count(evidence.filter(isNamed))} named indexes proven, ${count(others)} others`;
}

/** One document for machines. */
export function jsonOf(evidence: readonly Evidence[], setting: Setting): object {
  return {
    postgres: setting.postgres,
    ...setting.sizes,
    method: METHOD,
    summary: summaryOf(evidence),
    indexes: evidence.map((one) => ({
      name: one.index.name,
      table: one.index.table,
      named: isNamed(one),
      serves: one.index.serves,
      query: one.index.query,
      proven: objections(one).length === 0,
      objections: objections(one),
      plans: PLAN_MODES.map((mode) => ({
        mode,
        with: answerOf(one, 'withIt', mode),
        without: answerOf(one, 'without', mode),
      })),
      bytes: one.size,
      writeCostPerRow: one.writeCost,
    })),
  };
}

function answerOf(
  one: Evidence,
  side: 'withIt' | 'without',
  mode: (typeof PLAN_MODES)[number],
): object | null {
  const answer = one[side].get(mode);
  if (answer === undefined) return null;
  const { plan, rows, buffers, milliseconds } = answer;
  return { access: accessOf(plan), rows, pages: buffers, milliseconds };
}

function lineOf(one: Evidence): string[] {
  const { index, withIt, without, size, writeCost } = one;
  const [first] = withIt.values();
  if (first === undefined) return [nameOf(one), index.serves, 'not asked', ...Array<string>(8).fill('')];
  const cost = writeCost === undefined ? '' : `${writeCost.walBytes} B, ${writeCost.microseconds} µs`;
  return [
    nameOf(one),
    index.serves,
    scansOf(first.plan, one.names)[0]?.['Node Type'] ?? 'not taken',
    grouped(first.rows),
    grouped(mostBuffers(withIt)),
    grouped(fewestBuffers(without)),
    longest(withIt).toFixed(2),
    shortest(without).toFixed(2),
    `${(shortest(without) / longest(withIt)).toFixed(1)}×`,
    bytes(size),
    cost,
  ];
}

const nameOf = (one: Evidence): string =>
  `${objections(one).length === 0 ? '' : '✗ '}${one.index.name}\n${one.index.table}`;

function failuresOf(evidence: readonly Evidence[]): string[] {
  return evidence.flatMap((one) => {
    const reasons = objections(one);
    if (reasons.length === 0) return [];
    const plans = PLAN_MODES.map((mode) => one.withIt.get(mode)).filter((answer) => answer !== undefined);
    return [
      '',
      `${one.index.name} is not proven: ${reasons.join('; ')}`,
      `  ${one.index.query.replaceAll(/\s+/g, ' ')}`,
      ...plans.map(({ plan }) => JSON.stringify(plan.Plan, planned, 1)),
    ];
  });
}

/** What of a plan people look at first. */
const SHOWN = new Set([
  '',
  'Plans',
  'Node Type',
  'Index Name',
  'Relation Name',
  'Index Cond',
  'Filter',
  'Plan Rows',
  'Actual Rows',
  'Actual Loops',
  'Rows Removed by Filter',
  'Heap Fetches',
  'Shared Hit Blocks',
]);

const planned = (key: string, value: unknown): unknown =>
  SHOWN.has(key) || /^\d+$/.test(key) ? value : undefined;

const grouped = (number: number): string => Math.round(number).toLocaleString('en-US').replaceAll(',', ' ');

function bytes(size: number): string {
  return size < 1024 * 1024 ? `${Math.ceil(size / 1024)} kB` : `${(size / 1024 / 1024).toFixed(1)} MB`;
}
