import type { ReportSource } from '../reports/report-source';
import type { StatementCounters } from '../reports/statement-statistics';
import { stepSeconds, type HistoryWindow } from './history-window';

const SUMS = `
  sum(s.calls)::float8 AS calls, sum(s.total_ms)::float8 AS "totalMs", sum(s.squares_ms)::float8 AS "squaresMs",
  sum(s.rows)::float8 AS rows, sum(s.shared_hit)::float8 AS "sharedHit", sum(s.shared_read)::float8 AS "sharedRead",
  sum(s.shared_dirtied)::float8 AS "sharedDirtied", sum(s.temp_read)::float8 AS "tempRead",
  sum(s.temp_written)::float8 AS "tempWritten", sum(s.read_ms)::float8 AS "readMs",
  sum(s.write_ms)::float8 AS "writeMs"`;
const ROLES = `
  ARRAY(SELECT DISTINCT coalesce(r.rolname::text, '(dropped)')
          FROM statement_counters c LEFT JOIN pg_roles r ON r.oid::bigint = c.role_id
         WHERE c.query_id = d.query_id ORDER BY 1)`;

/** What statements have cost in a window; the shortest and the longest time of one are not known of a difference. */
export const statementsBetween = (
  source: ReportSource,
  { from, to }: HistoryWindow,
): Promise<StatementCounters[]> =>
  source.query<StatementCounters>(
    `SELECT d.query_id::text AS "queryId", ${ROLES} AS roles,
            coalesce(t.statement, '(forgotten)') AS statement, d.calls, d."totalMs", d."squaresMs",
            NULL::float8 AS "minMs", NULL::float8 AS "maxMs", d.rows, d."sharedHit", d."sharedRead",
            d."sharedDirtied", d."tempRead", d."tempWritten", d."readMs", d."writeMs"
       FROM (SELECT s.query_id, ${SUMS} FROM statement_snapshots s
              WHERE s.taken_at > $1 AND s.taken_at <= $2 GROUP BY s.query_id) AS d
       LEFT JOIN recorded_statements t ON t.query_id = d.query_id`,
    [from, to],
  );

/** What a statement has cost in one part of a window. */
export interface StatementPoint {
  /** The end of it. */
  readonly at: string;
  readonly calls: number;
  readonly totalMs: number;
  readonly meanMs: number | null;
  readonly rows: number;
  readonly sharedHit: number;
  readonly sharedRead: number;
}

/** A statement over time, in no more than so many points; parts in which it was not run are left out. */
export async function statementSeries(
  source: ReportSource,
  queryId: string,
  window: HistoryWindow,
  points: number,
): Promise<StatementPoint[]> {
  const rows = await source.query<Omit<StatementPoint, 'at'> & { at: Date }>(
    `SELECT d.at, d.calls, d."totalMs", d."totalMs" / nullif(d.calls, 0) AS "meanMs", d.rows, d."sharedHit",
            d."sharedRead"
       FROM (SELECT least($3, $2::timestamptz + make_interval(secs => $4)
                      * ceil(extract(epoch FROM s.taken_at - $2::timestamptz)::float8 / $4)) AS at, ${SUMS}
               FROM statement_snapshots s
              WHERE s.query_id = $1::bigint AND s.taken_at > $2 AND s.taken_at <= $3 GROUP BY 1) AS d
      ORDER BY d.at`,
    [queryId, window.from, window.to, stepSeconds(window, points)],
  );
  return rows.map((row) => ({ ...row, at: row.at.toISOString() }));
}

/** The text of a statement, without values; undefined where it was never seen, or where there is no history. */
export async function recordedStatement(source: ReportSource, queryId: string): Promise<string | undefined> {
  const [history] = await source.query<{ here: boolean }>(
    `SELECT to_regclass('recorded_statements') IS NOT NULL AS here`,
  );
  if (history?.here !== true) return undefined;
  const [row] = await source.query<{ statement: string }>(
    'SELECT statement FROM recorded_statements WHERE query_id = $1::bigint',
    [queryId],
  );
  return row?.statement;
}
