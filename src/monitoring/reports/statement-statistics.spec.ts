import { statementRows, type StatementCounters } from './statement-statistics';

const counters = (queryId: string, form: Partial<StatementCounters>): StatementCounters => ({
  queryId,
  roles: ['app'],
  statement: 'SELECT $1',
  calls: 1,
  totalMs: 0,
  squaresMs: 0,
  minMs: null,
  maxMs: null,
  rows: 0,
  sharedHit: 0,
  sharedRead: 0,
  sharedDirtied: 0,
  tempRead: 0,
  tempWritten: 0,
  readMs: 0,
  writeMs: 0,
  ...form,
});

describe('rows of statements', () => {
  it('begin with what took the most time, and tell its share, mean and deviation', () => {
    const times = [2, 4, 4, 4, 5, 5, 7, 9];
    const squaresMs = times.reduce((sum, time) => sum + time ** 2, 0);
    const rows = statementRows(
      [counters('1', { totalMs: 10 }), counters('2', { calls: 8, totalMs: 40, squaresMs })],
      5,
    );

    expect(rows).toMatchObject([
      { queryId: '2', meanMs: 5, stddevMs: 2, share: 0.8 },
      { queryId: '1', share: 0.2 },
    ]);
    expect(rows[0]).not.toHaveProperty('squaresMs');
  });

  it('are no more than were asked for, with shares of all', () => {
    const all = [counters('1', { totalMs: 30 }), counters('2', { totalMs: 70 })];

    expect(statementRows(all, 1)).toMatchObject([{ queryId: '2', share: 0.7 }]);
  });

  it('never divide by zero, as where nothing was called within a window', () => {
    expect(statementRows([counters('1', { calls: 0 })], 1)).toMatchObject([
      { meanMs: null, stddevMs: null, share: null },
    ]);
  });

  it('take a square that rounding made too small for no deviation', () => {
    expect(statementRows([counters('1', { totalMs: 3, squaresMs: 8.999 })], 1)).toMatchObject([
      { stddevMs: 0 },
    ]);
  });
});
