import Table from 'cli-table3';
import { formatCount } from '../src/common/figures';
import type { Figures } from './measure';
import { ratio } from './measure';
import type { Measured } from './queries/measure-query';
import { growthOf, type QueryResult } from './queries/targets';

/** Under what circumstances was measured. */
export interface Circumstances {
  readonly measuredAt: string;
  readonly postgres: string;
  readonly node: string;
  readonly cores: number;
}

export interface Report {
  readonly circumstances: Circumstances;
  readonly results: readonly QueryResult[];
  /** A sentence for each promise that was not kept. */
  readonly missed: readonly string[];
}

/** For people: a table of each query, and how far apart its figures are at the largest size. */
export function reportOf({ circumstances, results }: Report): string {
  const { measuredAt, postgres, node, cores } = circumstances;
  return [
    `${postgres}, Node ${node}, ${cores} cores, ${measuredAt}`,
    ...results.flatMap((result) => ['', titleOf(result), tableOf(result), ...growthLine(result)]),
    '',
    ...chartOf(results),
  ].join('\n');
}

/** For machines, in milliseconds. */
export function jsonOf({ circumstances, results, missed }: Report): Record<string, unknown> {
  return {
    ...circumstances,
    queries: results.map((result) => ({
      name: result.query.name,
      table: result.query.table,
      kind: result.query.kind,
      growth: rounded(growthOf(result)),
      sizes: result.sizes.map(jsonOfSize),
    })),
    missed,
  };
}

function jsonOfSize({ before, after, roundTrip, bare, cached, ...measured }: Measured) {
  const figures = ({ n, p50, p95 }: Figures) => ({ n, p50: rounded(p50), p95: rounded(p95) });
  return {
    ...measured,
    before: figures(before),
    after: figures(after),
    roundTrip: figures(roundTrip),
    bare: figures(bare),
    cached: Object.fromEntries(
      Object.entries(cached).map(([tier, measuredTier]) => [tier, figures(measuredTier)]),
    ),
    faster: rounded(ratio(before, after)),
    overRoundTrip: rounded(ratio(after, roundTrip)),
    overBare: rounded(ratio(after, bare)),
  };
}

const rounded = (figure: number | undefined): number | undefined =>
  figure === undefined ? undefined : Number(figure.toPrecision(4));

const titleOf = ({ query, sizes }: QueryResult): string =>
  `${query.title}: ${query.table}, answers of ${plural(sizes[0]?.answerRows ?? 0, 'row')}`;

function tableOf({ query, sizes }: QueryResult): string {
  const hasRedis = sizes.some(({ cached }) => cached.redis !== undefined);
  const table = new Table({
    head: [
      'rows',
      'without\nindexes',
      '\np95',
      '\nn',
      'with\nindexes',
      '\np95',
      'times\nfaster',
      'SELECT 1',
      `same ${plural(sizes[0]?.answerRows ?? 0, 'row')}\nof their own`,
      query.kind === 'look-up' ? 'over\nSELECT 1' : 'over\ntheir own',
      'cached in\nprocess',
      ...(hasRedis ? ['cached\nin Redis'] : []),
    ],
    colAligns: Array.from({ length: 12 }, () => 'right' as const),
    style: { head: [], border: [], compact: true },
  });
  for (const { rows, before, after, roundTrip, bare, cached } of sizes) {
    table.push([
      formatCount(rows),
      time(before.p50),
      time(before.p95),
      formatCount(before.n),
      time(after.p50),
      time(after.p95),
      times(ratio(before, after)),
      time(roundTrip.p50),
      time(bare.p50),
      times(ratio(after, query.kind === 'look-up' ? roundTrip : bare)),
      ...[cached.memory, ...(hasRedis ? [cached.redis] : [])].map((tier) =>
        tier === undefined ? '' : time(tier.p50),
      ),
    ]);
  }
  return table.toString();
}

function growthLine(result: QueryResult): string[] {
  const growth = growthOf(result);
  return growth === undefined ? [] : [`From 100 000 to 5 000 000 rows it takes ${times(growth)} as long.`];
}

/** Ten times as long is this much further to the right. */
const DECADE = 10;
/** Where the scale begins: 10 µs. */
const ORIGIN_MS = 0.01;
const DECADES = 6;
const LABEL = 13;

function chartOf(results: readonly QueryResult[]): string[] {
  const last = results.map(({ query, sizes }) => ({ title: query.title, measured: sizes.at(-1) }));
  const marks = Array.from({ length: DECADES + 1 }, (_, decade) =>
    time(ORIGIN_MS * 10 ** decade).padEnd(DECADE),
  );
  return [
    `p50 at the largest size, on a scale where each mark is ten times the one before`,
    `${' '.repeat(LABEL)}${marks.join('').trimEnd()}`,
    ...last.flatMap(({ title, measured }) => (measured === undefined ? [] : [title, ...barsOf(measured)])),
  ];
}

function barsOf({ before, after, bare, roundTrip, cached, answerRows }: Measured): string[] {
  const yardstick = answerRows === 1 ? { SELECT1: roundTrip } : { 'own table': bare };
  const bars: Record<string, Figures | undefined> = {
    'no index': before,
    indexed: after,
    ...yardstick,
    'in Redis': cached.redis,
    'in process': cached.memory,
  };
  return Object.entries(bars).flatMap(([label, figures]) =>
    figures === undefined ? [] : [`  ${label.padEnd(LABEL - 2)}${bar(figures.p50)} ${time(figures.p50)}`],
  );
}

function bar(milliseconds: number): string {
  const length = Math.log10(milliseconds / ORIGIN_MS) * DECADE;
  return '█'.repeat(Math.max(1, Math.round(length)));
}

/** Three digits: `87.3 µs`, `1.24 ms`, `2.05 s`. */
export function time(milliseconds: number): string {
  if (milliseconds < 0.9995) return `${digits(milliseconds * 1000)} µs`;
  if (milliseconds < 999.5) return `${digits(milliseconds)} ms`;
  return `${digits(milliseconds / 1000)} s`;
}

const digits = (figure: number): string => (figure < 99.95 ? figure.toPrecision(3) : figure.toFixed(0));
const times = (factor: number): string =>
  factor < 99.95 ? `${factor.toPrecision(3)}×` : `${formatCount(Math.round(factor))}×`;
const plural = (count: number, thing: string): string => `${count} ${thing}${count === 1 ? '' : 's'}`;
