import { formatCount, formatMilliseconds, formatShare } from '../../common/figures';
import { historyWindow, looksBack, type HistoryWindow } from '../history/history-window';
import { statementsBetween } from '../history/statement-history';
import type { Finding, Reading, Report } from './report';
import { hiddenStatements } from './seen-activity';
import {
  readStatementStatistics,
  statementRows,
  type StatementCounters,
  type StatementRow,
  type StatementStatistics,
} from './statement-statistics';

/** What people notice, and what DB_SLOW_QUERY_MS writes into the log by default. */
const SLOW_MS = 200;
/** What nobody notices once is a burden when it is asked all the time. */
const OFTEN = { meanMs: 20, calls: 100 };
/** A statement that takes half of all time decides what the server can bear. */
const MOST_OF_ALL = 0.5;
/** Whoever builds an index or loads a dump waits by intention. */
const QUESTION = /^(?:SELECT|INSERT|UPDATE|DELETE|MERGE|WITH|EXECUTE|CALL|VALUES|TABLE|\()/i;
const MOST_CHARACTERS = 120;
const UNTIMED = 'track_io_timing is off: the times of reading and writing are unknown, and shown as 0';

/** What the statements of this database cost. */
export const slowQueries: Report<keyof StatementRow> = {
  name: 'slow-queries',
  title: 'Statements by the time they took',
  meaning:
    'Every form of statement that this database was asked, its values left out, by the sum of its times. "share" is its part of the time of all; many blocks read for few rows, or temp blocks, tell why it is slow. Of a span of time (from and to) it is the difference of snapshots, of which the shortest and the longest time are not known.',
  remedy:
    'Look at the plan of what is slow or takes most of the time: an index, fewer rows, or a place in the cache mends it; temp blocks ask for a higher work_mem.',
  shownRows: 50,
  hasHistory: true,
  columns: [
    { key: 'queryId', title: 'query id', unit: 'text' },
    { key: 'statement', title: 'statement', unit: 'text' },
    { key: 'roles', title: 'roles', unit: 'text' },
    { key: 'calls', title: 'calls', unit: 'count' },
    { key: 'totalMs', title: 'total', unit: 'milliseconds' },
    { key: 'share', title: 'share', unit: 'ratio' },
    { key: 'meanMs', title: 'mean', unit: 'milliseconds' },
    { key: 'minMs', title: 'min', unit: 'milliseconds' },
    { key: 'maxMs', title: 'max', unit: 'milliseconds' },
    { key: 'stddevMs', title: 'stddev', unit: 'milliseconds' },
    { key: 'rows', title: 'rows', unit: 'count' },
    { key: 'sharedHit', title: 'blocks hit', unit: 'count' },
    { key: 'sharedRead', title: 'blocks read', unit: 'count' },
    { key: 'sharedDirtied', title: 'blocks dirtied', unit: 'count' },
    { key: 'tempRead', title: 'temp blocks read', unit: 'count' },
    { key: 'tempWritten', title: 'temp blocks written', unit: 'count' },
    { key: 'readMs', title: 'reading', unit: 'milliseconds' },
    { key: 'writeMs', title: 'writing', unit: 'milliseconds' },
  ],
  async read(source, query) {
    const [{ timed } = { timed: false }] = await source.query<{ timed: boolean }>(
      `SELECT current_setting('track_io_timing')::bool AS timed`,
    );
    const hidden = await hiddenStatements(source);
    if (looksBack(query)) {
      const window = await historyWindow(source, query);
      const statements = await statementsBetween(source, window);
      return { ...readingOf(statements, window.from), notes: [...notesOnWindow(window, timed), ...hidden] };
    }
    const statistics = await readStatementStatistics(source);
    const { since, statements } = statistics;
    return { ...readingOf(statements, since), notes: [...notesOn(statistics, timed), ...hidden] };
  },
};

function readingOf(statements: readonly StatementCounters[], since: Date): Reading<keyof StatementRow> {
  const rows = statementRows(statements, statements.length);
  const totalMs = statements.reduce((sum, statement) => sum + statement.totalMs, 0);
  return {
    rows,
    // What is slow but seldom asked may be far down the list.
    findings: rows.flatMap(judged),
    summary: { since: since.toISOString(), statements: statements.length, totalMs: Math.round(totalMs) },
  };
}

function judged({ queryId, statement, calls, meanMs, share }: StatementRow): Finding[] {
  if (meanMs === null || !QUESTION.test(statement)) return [];
  const slow = meanMs >= SLOW_MS;
  const burden =
    meanMs >= OFTEN.meanMs && calls >= OFTEN.calls
      ? true
      : (share ?? 0) >= MOST_OF_ALL && calls >= OFTEN.calls;
  if (!slow && !burden) return [];
  const part = share === null ? '' : `, ${formatShare(share)} of all time`;
  return [
    {
      severity: slow ? 'warn' : 'info',
      subject: queryId,
      detail: `takes ${formatMilliseconds(meanMs)} on average over ${formatCount(calls)} ${calls === 1 ? 'call' : 'calls'}${part}: ${beginning(statement)}`,
      remedy: `GET /api/admin/db/queries/${queryId} shows its plan and its history; indexes/advice weighs indexes for it`,
    },
  ];
}

const beginning = (statement: string): string =>
  statement.length > MOST_CHARACTERS ? `${statement.slice(0, MOST_CHARACTERS - 1)}…` : statement;

function notesOn({ since, thrownAway }: StatementStatistics, timed: boolean): string[] {
  const notes = [`Counted since ${since.toISOString()}`];
  if (thrownAway > 0)
    notes.push(
      `The least used statements were thrown away ${formatCount(thrownAway)} times for lack of room: raise pg_stat_statements.max`,
    );
  return timed ? notes : [...notes, UNTIMED];
}

const notesOnWindow = ({ notes }: HistoryWindow, timed: boolean): string[] =>
  timed ? [...notes] : [...notes, UNTIMED];
