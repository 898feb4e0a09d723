import type { Figures } from '../measure';
import type { Measured } from './measure-query';
import { growthOf, missedTargets, type QueryResult } from './targets';

const figures = (p50: number): Figures => ({ n: 100, p50, p95: 2 * p50 });

/** At this size, in milliseconds. */
const measured = (
  rows: number,
  { before, after }: { before: number; after: number },
  yardsticks: { roundTrip?: number; bare?: number } = {},
): Measured => ({
  rows,
  questions: 500,
  answerRows: 51,
  roundTrip: figures(yardsticks.roundTrip ?? after),
  bare: figures(yardsticks.bare ?? after),
  before: figures(before),
  after: figures(after),
  cached: {},
});

const list = (...sizes: Measured[]): QueryResult => ({
  query: { name: 'listing', title: 'Marketplace listing', table: 'energy_offers', kind: 'list' },
  sizes,
});
const lookUp = (...sizes: Measured[]): QueryResult => ({
  query: { name: 'log-in', title: 'User login look-up', table: 'users', kind: 'look-up' },
  sizes,
});

describe('a promise', () => {
  it('is kept by what is fast enough', () => {
    const result = list(
      measured(100_000, { before: 10, after: 1 }),
      measured(1_000_000, { before: 50, after: 1 }),
      measured(5_000_000, { before: 420, after: 1.4 }),
    );
    expect(missedTargets([result])).toEqual([]);
  });

  it.each([
    { rows: 1_000_000, before: 49, sentence: '1 000 000 rows is 49× faster with its indexes, not 50×' },
    { rows: 5_000_000, before: 299, sentence: '5 000 000 rows is 299× faster with its indexes, not 300×' },
  ])('of a factor is missed at $rows rows', ({ rows, before, sentence }) => {
    expect(missedTargets([list(measured(rows, { before, after: 1 }))])).toEqual([
      `Marketplace listing at ${sentence}`,
    ]);
  });

  it('is not made for other sizes', () => {
    expect(missedTargets([list(measured(2_000_000, { before: 1, after: 1 }))])).toEqual([]);
  });

  it('of a look-up is held against the round trip', () => {
    const at = (after: number) =>
      lookUp(measured(100_000, { before: 99, after }, { roundTrip: 1, bare: 0.1 }));
    expect(missedTargets([at(1.5)])).toEqual([]);
    expect(missedTargets([at(1.51)])).toEqual([
      'User login look-up at 100 000 rows takes 1.51× as long as a bare round trip, not at most 1.5×',
    ]);
  });

  it('of a list is held against the same rows from a table of their own', () => {
    const at = (after: number) => list(measured(100_000, { before: 99, after }, { roundTrip: 0.1, bare: 1 }));
    expect(missedTargets([at(2)])).toEqual([]);
    expect(missedTargets([at(2.01)])).toEqual([
      'Marketplace listing at 100 000 rows takes 2.01× as long as the same rows from a table of nothing else, not at most 2×',
    ]);
  });

  it('of small growth is missed by half as much again', () => {
    const result = list(
      measured(100_000, { before: 10, after: 1 }),
      measured(5_000_000, { before: 900, after: 1.5 }),
    );
    expect(growthOf(result)).toBeCloseTo(1.5, 9);
    expect(missedTargets([result])).toEqual([
      'Marketplace listing takes 1.50× as long at 5 000 000 rows as at 100 000, not less than 1.5×',
    ]);
  });

  it('of growth is none without both sizes', () => {
    expect(growthOf(list(measured(100_000, { before: 10, after: 1 })))).toBeUndefined();
  });
});
