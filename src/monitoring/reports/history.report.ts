import { historyWindow } from '../history/history-window';
import { serverSeries, type ServerPoint } from '../history/server-history';
import type { Report } from './report';
import { HIDDEN_ACTIVITY } from './seen-activity';

const DAY_MS = 24 * 3_600_000;

/** How the server stood over time. */
export const history: Report<keyof ServerPoint> = {
  name: 'history',
  title: 'The server over time',
  meaning:
    'Connections of clients by state, the most in each part of the time; how much PostgreSQL found in its memory, transactions, the size of this database and the WAL that was written. A snapshot is taken every minute; limit says in how many parts they are put together.',
  remedy:
    'Connections that wait for locks: locks. Idle transactions: long-running. A hit ratio that falls: cache-hit-ratio and slow-queries of the same time. Growth: space of the same time.',
  shownRows: 50,
  hasHistory: true,
  columns: [
    { key: 'at', title: 'until', unit: 'time' },
    { key: 'active', title: 'active', unit: 'count' },
    { key: 'waitingForLock', title: 'waiting for a lock', unit: 'count' },
    { key: 'idleInTransaction', title: 'idle in transaction', unit: 'count' },
    { key: 'idle', title: 'idle', unit: 'count' },
    { key: 'hidden', title: 'hidden', unit: 'count' },
    { key: 'hitRatio', title: 'hit ratio', unit: 'ratio' },
    { key: 'commits', title: 'commits', unit: 'count' },
    { key: 'rollbacks', title: 'rollbacks', unit: 'count' },
    { key: 'databaseBytes', title: 'database', unit: 'bytes' },
    { key: 'walBytes', title: 'WAL written', unit: 'bytes' },
  ],
  async read(source, { from, to, limit }) {
    const end = to ?? new Date();
    const window = await historyWindow(source, { from: from ?? new Date(end.getTime() - DAY_MS), to: end });
    const rows = await serverSeries(source, window, limit);
    const notes = rows.some(({ hidden }) => hidden > 0) ? [...window.notes, HIDDEN_ACTIVITY] : window.notes;
    return { rows, notes };
  },
};
