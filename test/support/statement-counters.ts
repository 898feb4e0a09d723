import type { StatementCounters } from '../../src/monitoring/reports/statement-statistics';

/** What was counted of a form of statements that was run once, and of which nothing else is known than is given. */
export const countersOf = (queryId: string, given: Partial<StatementCounters>): StatementCounters => ({
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
  ...given,
});
