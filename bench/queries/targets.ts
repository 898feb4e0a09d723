import { ratio } from '../measure';
import type { HotQuery } from './hot-query';
import type { Measured } from './measure-query';

/** A query with its figures at each size, the smallest first. */
export interface QueryResult {
  readonly query: Pick<HotQuery, 'name' | 'title' | 'table' | 'kind'>;
  readonly sizes: readonly Measured[];
}

/** How many times faster a query is to be with its indexes, by rows of its table. */
const FASTER: Readonly<Record<number, number>> = { 1_000_000: 50, 5_000_000: 300 };
/** Below so many rows a query without indexes is fast, and nothing is promised. */
const LEAST_ROWS = 100_000;
const LOOK_UP_OVER_ROUND_TRIP = 1.5;
const LIST_OVER_BARE = 2;
const GROWTH = { from: 100_000, to: 5_000_000, atMost: 1.5 };

/** A sentence for each promise that was not kept; none when all were. */
export function missedTargets(results: readonly QueryResult[]): string[] {
  return results.flatMap((result) => [
    ...result.sizes.flatMap((measured) => [
      ...missedFactor(result, measured),
      ...missedNearness(result, measured),
    ]),
    ...missedGrowth(result),
  ]);
}

/** How much slower a query is at the largest size of the promise than at its smallest; undefined unless both were measured. */
export function growthOf({ sizes }: Pick<QueryResult, 'sizes'>): number | undefined {
  const at = (size: number) => sizes.find(({ rows }) => rows === size);
  const [small, large] = [at(GROWTH.from), at(GROWTH.to)];
  return small === undefined || large === undefined ? undefined : ratio(large.after, small.after);
}

function missedFactor({ query }: QueryResult, { rows, before, after }: Measured): string[] {
  const promised = FASTER[rows];
  const factor = ratio(before, after);
  if (promised === undefined || factor >= promised) return [];
  return [
    `${query.title} at ${count(rows)} rows is ${times(factor)} faster with its indexes, not ${promised}×`,
  ];
}

function missedNearness({ query }: QueryResult, { rows, after, roundTrip, bare }: Measured): string[] {
  if (rows < LEAST_ROWS) return [];
  const [limit, yardstick, name] =
    query.kind === 'look-up'
      ? [LOOK_UP_OVER_ROUND_TRIP, roundTrip, 'a bare round trip']
      : [LIST_OVER_BARE, bare, 'the same rows from a table of nothing else'];
  const over = ratio(after, yardstick);
  if (over <= limit) return [];
  return [
    `${query.title} at ${count(rows)} rows takes ${times(over)} as long as ${name}, not at most ${limit}×`,
  ];
}

function missedGrowth(result: QueryResult): string[] {
  const growth = growthOf(result);
  if (growth === undefined || growth < GROWTH.atMost) return [];
  const { from, to, atMost } = GROWTH;
  return [
    `${result.query.title} takes ${times(growth)} as long at ${count(to)} rows as at ${count(from)}, not less than ${atMost}×`,
  ];
}

const times = (factor: number): string => `${factor.toFixed(factor < 10 ? 2 : 0)}×`;
const count = (rows: number): string => rows.toLocaleString('en-US').replaceAll(',', ' ');
