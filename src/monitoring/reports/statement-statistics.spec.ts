import { countersOf } from '../../../test/support/statement-counters';
import { statementRows } from './statement-statistics';

describe('rows of statements', () => {
  it('begin with what took the most time, and tell its share, mean and deviation', () => {
    const times = [2, 4, 4, 4, 5, 5, 7, 9];
    const squaresMs = times.reduce((sum, time) => sum + time ** 2, 0);
    const rows = statementRows(
      [countersOf('1', { totalMs: 10 }), countersOf('2', { calls: 8, totalMs: 40, squaresMs })],
      5,
    );

    expect(rows).toMatchObject([
      { queryId: '2', meanMs: 5, stddevMs: 2, share: 0.8 },
      { queryId: '1', share: 0.2 },
    ]);
    expect(rows[0]).not.toHaveProperty('squaresMs');
  });

  it('are no more than were asked for, with shares of all', () => {
    const all = [countersOf('1', { totalMs: 30 }), countersOf('2', { totalMs: 70 })];

    expect(statementRows(all, 1)).toMatchObject([{ queryId: '2', share: 0.7 }]);
  });

  it('never divide by zero, as where nothing was called within a window', () => {
    expect(statementRows([countersOf('1', { calls: 0 })], 1)).toMatchObject([
      { meanMs: null, stddevMs: null, share: null },
    ]);
  });

  it('take a square that rounding made too small for no deviation', () => {
    expect(statementRows([countersOf('1', { totalMs: 3, squaresMs: 8.999 })], 1)).toMatchObject([
      { stddevMs: 0 },
    ]);
  });
});
