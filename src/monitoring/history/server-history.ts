import type { ReportSource } from '../reports/report-source';
import { stepSeconds, type HistoryWindow } from './history-window';

/** The server in one part of a window. */
export interface ServerPoint {
  /** The end of it. */
  readonly at: string;
  /** The most of all snapshots of it, as the three below. */
  readonly active: number;
  readonly idleInTransaction: number;
  readonly waitingForLock: number;
  /** Sessions whose state was hidden from who took the snapshot. */
  readonly hidden: number;
  readonly idle: number;
  /** Null where nothing was read. */
  readonly hitRatio: number | null;
  readonly commits: number;
  readonly rollbacks: number;
  readonly databaseBytes: number;
  /** Written in it. */
  readonly walBytes: number;
}

const COUNTERS = ['blocks_hit', 'blocks_read', 'commits', 'rollbacks', 'wal_position'] as const;

const SERIES = `
  WITH seen AS (
    SELECT taken_at, active, idle, idle_in_transaction, waiting_for_lock, hidden, database_bytes,
           ${COUNTERS.map((name) => `${name} - CASE WHEN ${name} >= lag(${name}) OVER w THEN lag(${name}) OVER w ELSE 0 END AS ${name}`).join(', ')}
      FROM server_snapshots WHERE taken_at >= $1 AND taken_at <= $2 WINDOW w AS (ORDER BY taken_at))
  SELECT $1::timestamptz + make_interval(secs => $3)
           * ceil(extract(epoch FROM taken_at - $1::timestamptz)::float8 / $3) AS at,
         max(active) AS active, max(idle) AS idle, max(idle_in_transaction) AS "idleInTransaction",
         max(waiting_for_lock) AS "waitingForLock", max(hidden) AS hidden,
         (sum(blocks_hit) / nullif(sum(blocks_hit) + sum(blocks_read), 0))::float8 AS "hitRatio",
         sum(commits)::float8 AS commits, sum(rollbacks)::float8 AS rollbacks,
         (array_agg(database_bytes ORDER BY taken_at DESC))[1]::float8 AS "databaseBytes",
         sum(wal_position)::float8 AS "walBytes"
    FROM seen WHERE taken_at > $1 GROUP BY 1 ORDER BY 1`;

/** The server over time, in no more than so many points. */
export async function serverSeries(
  source: ReportSource,
  window: HistoryWindow,
  points: number,
): Promise<ServerPoint[]> {
  const rows = await source.query<Omit<ServerPoint, 'at'> & { at: Date }>(SERIES, [
    window.from,
    window.to,
    stepSeconds(window, points),
  ]);
  return rows.map((row) => ({ ...row, at: row.at.toISOString() }));
}

/** How much the database grew between two snapshots, and how much WAL was written. */
export async function spaceBetween(
  source: ReportSource,
  { from, to }: HistoryWindow,
): Promise<{ readonly databaseBytes: number; readonly walBytes: number }> {
  const [row] = await source.query<{ databaseBytes: number; walBytes: number }>(
    `SELECT (b.database_bytes - a.database_bytes)::float8 AS "databaseBytes",
            greatest(0, b.wal_position - a.wal_position)::float8 AS "walBytes"
       FROM server_snapshots a JOIN server_snapshots b ON b.taken_at = $2 WHERE a.taken_at = $1`,
    [from, to],
  );
  return row ?? { databaseBytes: 0, walBytes: 0 };
}
