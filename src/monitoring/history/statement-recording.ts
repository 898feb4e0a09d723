import { sqlState } from '../../database/query-events';
import { rowsOf, type StatementRunner } from '../../database/indexes/statement-runner';
import { withoutValues } from '../../database/statement-fingerprint';
import { NOT_LOADED } from '../reports/not-available';
import { statementColumns, type StatementColumns } from '../reports/statement-statistics';

/** Longer texts are generated; their beginning tells them apart. */
const MOST_CHARACTERS = 10_000;
const SHOWN_CHARACTERS = 4_000;

/** What only ever grows, by its column, as SQL over an entry of pg_stat_statements. */
const figuresOf = ({ readMs, writeMs }: StatementColumns): Readonly<Record<string, string>> => ({
  calls: 's.calls',
  total_ms: 's.total_exec_time',
  squares_ms: 's.calls * (s.stddev_exec_time ^ 2 + s.mean_exec_time ^ 2)',
  rows: 's.rows',
  shared_hit: 's.shared_blks_hit',
  shared_read: 's.shared_blks_read',
  shared_dirtied: 's.shared_blks_dirtied',
  temp_read: 's.temp_blks_read',
  temp_written: 's.temp_blks_written',
  read_ms: readMs,
  write_ms: writeMs,
});

/**
 * Writes what statements have cost since the last time, in the caller's transaction. An entry that was reset, or thrown away
 * and made anew, counts from zero: by its counters, which went down, by the time of the reset, and from PostgreSQL 17 on by
 * its own time. The very first time there is nothing to take a difference to.
 * @returns false where pg_stat_statements is not installed or not loaded
 */
export async function recordStatements(owner: StatementRunner, takenAt: Date): Promise<boolean> {
  const schema = await schemaOfExtension(owner);
  if (schema === undefined) return false;
  const source = {
    query: <Row>(text: string, values: readonly unknown[] = []) => rowsOf<Row>(owner, text, values),
  };
  const columns = await statementColumns(source, schema);
  await owner.query('SAVEPOINT statements');
  try {
    await owner.query(recording(schema, columns), [takenAt]);
    await recordTexts(owner, schema, takenAt);
    return true;
  } catch (error) {
    if (sqlState(error) !== NOT_LOADED) throw error;
    await owner.query('ROLLBACK TO SAVEPOINT statements');
    return false;
  }
}

/** Reads counters without their texts, which lie in a file, and keeps those that changed. */
function recording(schema: string, columns: StatementColumns): string {
  const figures = Object.entries(figuresOf(columns));
  const names = figures.map(([name]) => name).join(', ');
  return `
  WITH since AS MATERIALIZED (SELECT stats_reset FROM ${schema}.pg_stat_statements_info),
  counted AS MATERIALIZED (
    SELECT s.queryid AS query_id, s.userid::bigint AS role_id, s.toplevel AS top_level,
           greatest(since.stats_reset, ${columns.since}) AS counted_since,
           ${figures.map(([name, sql]) => `${sql} AS ${name}`).join(', ')}
      FROM ${schema}.pg_stat_statements(false) s CROSS JOIN since
     WHERE s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND s.queryid IS NOT NULL AND s.calls > 0),
  changed AS MATERIALIZED (
    SELECT c.query_id, c.role_id, c.top_level, ${figures.map(([name]) => `c.${name}`).join(', ')},
           ${figures.map(([name]) => `k.${name} AS ${name}_before`).join(', ')},
           k.query_id IS NULL OR k.read_at < c.counted_since OR c.calls < k.calls OR c.total_ms < k.total_ms AS anew
      FROM counted c
      LEFT JOIN statement_counters k
        ON k.query_id = c.query_id AND k.role_id = c.role_id AND k.top_level = c.top_level
     WHERE k.query_id IS NULL OR k.read_at < c.counted_since OR k.calls <> c.calls OR k.total_ms <> c.total_ms),
  kept AS (
    INSERT INTO statement_counters (query_id, role_id, top_level, read_at, ${names})
    SELECT query_id, role_id, top_level, $1, ${names} FROM changed
    ON CONFLICT (query_id, role_id, top_level) DO UPDATE
       SET read_at = excluded.read_at, ${figures.map(([name]) => `${name} = excluded.${name}`).join(', ')})
  INSERT INTO statement_snapshots (query_id, taken_at, ${names})
  SELECT query_id, $1,
         ${figures
           .map(([name]) => `sum(greatest(0, ${name} - CASE WHEN anew THEN 0 ELSE ${name}_before END))`)
           .join(', ')}
    FROM changed WHERE EXISTS (SELECT FROM statement_counters) GROUP BY query_id`;
}

/** Keeps the texts of statements that are seen for the first time, without values and comments. */
async function recordTexts(owner: StatementRunner, schema: string, takenAt: Date): Promise<void> {
  const unknown = await rowsOf<{ id: string }>(
    owner,
    `SELECT DISTINCT c.query_id::text AS id FROM statement_counters c
      WHERE NOT EXISTS (SELECT FROM recorded_statements r WHERE r.query_id = c.query_id)`,
  );
  if (unknown.length === 0) return;
  const found = await rowsOf<{ id: string; text: string }>(
    owner,
    `SELECT s.queryid::text AS id, left(min(s.query), $2) AS text FROM ${schema}.pg_stat_statements s
      WHERE s.queryid = ANY ($1::bigint[])
        AND s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
      GROUP BY s.queryid`,
    [unknown.map(({ id }) => id), MOST_CHARACTERS],
  );
  await owner.query(
    `INSERT INTO recorded_statements (query_id, statement, first_seen_at)
     SELECT t.id, t.statement, $3 FROM unnest($1::bigint[], $2::text[]) AS t(id, statement)
     ON CONFLICT DO NOTHING`,
    [
      found.map(({ id }) => id),
      found.map(({ text }) => withoutValues(text).slice(0, SHOWN_CHARACTERS)),
      takenAt,
    ],
  );
}

/**
 * Forgets statements that were not run for so many days and that pg_stat_statements has thrown away; what it still counts is
 * needed to take a difference to.
 */
export async function forgetStatements(owner: StatementRunner, keptDays: number): Promise<void> {
  const schema = await schemaOfExtension(owner);
  if (schema === undefined) return;
  await owner.query(
    `DELETE FROM statement_counters c
      WHERE c.read_at < now() - make_interval(days => $1)
        AND NOT EXISTS (SELECT FROM ${schema}.pg_stat_statements(false) s
                         WHERE s.queryid = c.query_id AND s.userid::bigint = c.role_id AND s.toplevel = c.top_level
                           AND s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database()))`,
    [keptDays],
  );
  await owner.query(
    `DELETE FROM recorded_statements r
      WHERE NOT EXISTS (SELECT FROM statement_counters c WHERE c.query_id = r.query_id)
        AND r.first_seen_at < now() - make_interval(days => $1)`,
    [keptDays],
  );
}

async function schemaOfExtension(owner: StatementRunner): Promise<string | undefined> {
  const [row] = await rowsOf<{ schema: string }>(
    owner,
    `SELECT quote_ident(n.nspname) AS schema
       FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_stat_statements'`,
  );
  return row?.schema;
}
