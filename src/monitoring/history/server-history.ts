import type { ReportSource } from '../reports/report-source';
import { counterStep } from './counter-step';
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
           ${COUNTERS.map(counterStep).join(', ')}
      FROM server_snapshots WHERE taken_at >= $1 AND taken_at <= $2 WINDOW w AS (ORDER BY taken_at))
  SELECT least($2, $1::timestamptz + make_interval(secs => $3)
           * ceil(extract(epoch FROM taken_at - $1::timestamptz)::float8 / $3)) AS at,
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

/** The most connections in one state at one time of a window. */
export interface ConnectionPeak {
  /** Undefined for those in any state. */
  readonly state: string | undefined;
  readonly connections: number;
  readonly at: Date;
}

/** How many connections there were at most, in each state and altogether; what there never was is left out. */
export async function connectionPeaks(
  source: ReportSource,
  { from, to }: HistoryWindow,
): Promise<ConnectionPeak[]> {
  const rows = await source.query<Omit<ConnectionPeak, 'state'> & { state: string | null }>(
    `SELECT DISTINCT ON (p.state) p.state, p.connections, s.taken_at AS at
       FROM server_snapshots s
      CROSS JOIN LATERAL (VALUES (NULL, s.active + s.idle_in_transaction + s.idle + s.hidden), ('active', s.active),
                                 ('waiting for a lock', s.waiting_for_lock),
                                 ('idle in transaction', s.idle_in_transaction), ('idle', s.idle),
                                 ('hidden', s.hidden)) AS p(state, connections)
      WHERE s.taken_at >= $1 AND s.taken_at <= $2 AND p.connections > 0
      ORDER BY p.state, p.connections DESC, s.taken_at`,
    [from, to],
  );
  return rows.map(({ state, ...peak }) => ({ ...peak, state: state ?? undefined }));
}

/** How many blocks of this database were found in PostgreSQL's memory between two snapshots, and how many were not. */
export async function blocksBetween(
  source: ReportSource,
  { from, to }: HistoryWindow,
): Promise<{ readonly hits: number; readonly reads: number }> {
  const [row] = await source.query<{ hits: number; reads: number }>(
    `SELECT coalesce(sum(blocks_hit), 0)::float8 AS hits, coalesce(sum(blocks_read), 0)::float8 AS reads
       FROM (SELECT taken_at, ${counterStep('blocks_hit')}, ${counterStep('blocks_read')}
               FROM server_snapshots WHERE taken_at >= $1 AND taken_at <= $2 WINDOW w AS (ORDER BY taken_at)) AS step
      WHERE taken_at > $1`,
    [from, to],
  );
  return row ?? { hits: 0, reads: 0 };
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
