import { statementForm } from '../../database/statement-fingerprint';
import { loading } from './not-available';
import { needExtension, type ReportSource } from './report-source';

/** What was counted of the statements of one form since some time; all but `minMs` and `maxMs` only ever grow. */
export interface StatementCounters {
  /** pg_stat_statements' own identifier of the form, as a text: it has 64 bits. */
  readonly queryId: string;
  /** Who ran it. */
  readonly roles: readonly string[];
  /** The text without values. */
  readonly statement: string;
  readonly calls: number;
  readonly totalMs: number;
  /** The sum of the squares of all times, in ms²: with it the standard deviation of a difference can be told. */
  readonly squaresMs: number;
  /** Null where it is not known, as of a difference. */
  readonly minMs: number | null;
  readonly maxMs: number | null;
  readonly rows: number;
  readonly sharedHit: number;
  readonly sharedRead: number;
  readonly sharedDirtied: number;
  readonly tempRead: number;
  readonly tempWritten: number;
  /** Time of reading and writing blocks of data, where track_io_timing is on. */
  readonly readMs: number;
  readonly writeMs: number;
}

/** What pg_stat_statements has counted in this database, and since when. */
export interface StatementStatistics {
  readonly since: Date;
  /** How often the least used forms were thrown away for lack of room. */
  readonly thrownAway: number;
  readonly statements: readonly StatementCounters[];
}

/** What is shown of a form of statements. */
export interface StatementRow extends Omit<StatementCounters, 'squaresMs'> {
  readonly meanMs: number | null;
  readonly stddevMs: number | null;
  /** Of the time of all statements, 0 to 1. */
  readonly share: number | null;
}

/** Longer texts are generated; their beginning tells them apart. */
const MOST_CHARACTERS = 10_000;

/**
 * The counters as they are now, of this database only. Nothing is ever reset.
 * @throws NotAvailable where the extension is not installed; PostgreSQL's own error where its library is not loaded
 */
export async function readStatementStatistics(source: ReportSource): Promise<StatementStatistics> {
  const schema = await needExtension(
    source,
    'pg_stat_statements',
    `run CREATE EXTENSION pg_stat_statements in this database as a superuser, and ${loading('pg_stat_statements')}`,
  );
  const [info] = await source.query<{ since: Date; thrownAway: number }>(
    `SELECT stats_reset AS since, dealloc::float8 AS "thrownAway" FROM ${schema}.pg_stat_statements_info`,
  );
  const counted = await source.query<StatementCounters>(
    statementsOf(schema, await statementColumns(source, schema)),
    [MOST_CHARACTERS],
  );
  return {
    since: info?.since ?? new Date(),
    thrownAway: info?.thrownAway ?? 0,
    // Texts of utility statements keep their values, and comments say what they like.
    statements: counted.map((row) => ({ ...row, statement: statementForm(row.statement).text })),
  };
}

/** How this release of the extension calls what was renamed or added. */
export interface StatementColumns {
  /** Time of reading and of writing blocks, in ms, as SQL over the view. */
  readonly readMs: string;
  readonly writeMs: string;
  /** Since when an entry is counted, as SQL; NULL where that is not told. */
  readonly since: string;
}

/**
 * The columns of block times changed with 1.11 of the extension (PostgreSQL 17), and an upgraded server keeps the older
 * extension until somebody updates it: the view itself is asked.
 */
export async function statementColumns(
  source: Pick<ReportSource, 'query'>,
  schema: string,
): Promise<StatementColumns> {
  const [row] = await source.query<{ apart: boolean }>(
    `SELECT EXISTS (SELECT FROM pg_attribute
                     WHERE attrelid = to_regclass($1) AND attname = 'shared_blk_read_time') AS apart`,
    [`${schema}.pg_stat_statements`],
  );
  return row?.apart === true
    ? {
        readMs: 's.shared_blk_read_time + s.local_blk_read_time',
        writeMs: 's.shared_blk_write_time + s.local_blk_write_time',
        since: 's.stats_since',
      }
    : { readMs: 's.blk_read_time', writeMs: 's.blk_write_time', since: 'NULL::timestamptz' };
}

/** One row for each form, whoever ran it and from wherever it was called; those that are hidden have no number. */
const statementsOf = (schema: string, { readMs, writeMs }: StatementColumns): string => `
  SELECT s.queryid::text AS "queryId", array_agg(DISTINCT coalesce(r.rolname::text, '(dropped)')) AS roles,
         left(min(s.query), $1) AS statement, sum(s.calls)::float8 AS calls,
         sum(s.total_exec_time)::float8 AS "totalMs",
         sum(s.calls * (s.stddev_exec_time ^ 2 + s.mean_exec_time ^ 2))::float8 AS "squaresMs",
         min(s.min_exec_time)::float8 AS "minMs", max(s.max_exec_time)::float8 AS "maxMs",
         sum(s.rows)::float8 AS rows, sum(s.shared_blks_hit)::float8 AS "sharedHit",
         sum(s.shared_blks_read)::float8 AS "sharedRead", sum(s.shared_blks_dirtied)::float8 AS "sharedDirtied",
         sum(s.temp_blks_read)::float8 AS "tempRead", sum(s.temp_blks_written)::float8 AS "tempWritten",
         sum(${readMs})::float8 AS "readMs", sum(${writeMs})::float8 AS "writeMs"
    FROM ${schema}.pg_stat_statements s LEFT JOIN pg_roles r ON r.oid = s.userid
   WHERE s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND s.calls > 0
     AND s.queryid IS NOT NULL
   GROUP BY s.queryid`;

/** What took the most time first, with means and shares. */
export function statementRows(statements: readonly StatementCounters[], limit: number): StatementRow[] {
  const total = statements.reduce((sum, { totalMs }) => sum + totalMs, 0);
  return [...statements]
    .sort((a, b) => b.totalMs - a.totalMs || compare(a.queryId, b.queryId))
    .slice(0, limit)
    .map(({ squaresMs, ...counters }) => {
      const { calls, totalMs } = counters;
      const mean = calls > 0 ? totalMs / calls : null;
      return {
        ...counters,
        meanMs: mean,
        stddevMs: mean === null ? null : Math.sqrt(Math.max(0, squaresMs / calls - mean ** 2)),
        share: total > 0 ? totalMs / total : null,
      };
    });
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
