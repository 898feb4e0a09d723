import { fractionOf } from './build-progress';

const nothing = {
  lockers_total: 0,
  lockers_done: 0,
  blocks_total: 0,
  blocks_done: 0,
  tuples_total: 0,
  tuples_done: 0,
};

describe('how far a build is', () => {
  it('grows from phase to phase, in the order in which PostgreSQL goes through them', () => {
    const fractions = [
      { phase: 'initializing' },
      { phase: 'waiting for writers before build', lockers_total: 2, lockers_done: 1 },
      { phase: 'building index: scanning table', blocks_total: 100, blocks_done: 1 },
      { phase: 'building index: scanning table', blocks_total: 100, blocks_done: 99 },
      { phase: 'building index: sorting live tuples' },
      { phase: 'building index: loading tuples in tree', tuples_total: 1000, tuples_done: 500 },
      { phase: 'waiting for writers before validation', lockers_total: 1, lockers_done: 0 },
      { phase: 'index validation: scanning index', blocks_total: 10, blocks_done: 5 },
      { phase: 'index validation: sorting tuples' },
      { phase: 'index validation: scanning table', blocks_total: 100, blocks_done: 50 },
      { phase: 'waiting for old snapshots', lockers_total: 3, lockers_done: 1 },
      { phase: 'waiting for readers before dropping', lockers_total: 1, lockers_done: 1 },
    ].map((row) => fractionOf({ ...nothing, ...row }));
    expect(fractions).toEqual([...fractions].sort((a, b) => a - b));
    expect(new Set(fractions).size).toBe(fractions.length);
    expect(fractions.at(0)).toBe(0);
    expect(fractions.at(-1)).toBe(1);
  });

  it('never exceeds the phase, even where more was done than was expected', () => {
    const row = { ...nothing, phase: 'building index', blocks_total: 10, blocks_done: 20 };
    expect(fractionOf(row)).toBeLessThan(0.6);
  });
});
