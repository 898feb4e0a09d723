import { LOCKED_RELATIONS } from '../../database/indexes/locked-relations';
import { rowsOf, type StatementRunner } from '../../database/indexes/statement-runner';
import { IS_CLIENT, IS_HIDDEN } from '../reports/seen-activity';
import { readTableStatistics } from '../reports/table-statistics';

/** What is kept of a table, by its column, and how the reports call it. */
const TABLE_FIGURES = {
  table_bytes: 'tableBytes',
  index_bytes: 'indexBytes',
  toast_bytes: 'toastBytes',
  live_rows: 'nLiveTup',
  dead_rows: 'nDeadTup',
  seq_scans: 'seqScan',
  seq_rows: 'seqTupRead',
  index_scans: 'idxScan',
  index_rows: 'idxTupFetch',
  inserted: 'nTupIns',
  updated: 'nTupUpd',
  hot_updated: 'nTupHotUpd',
  deleted: 'nTupDel',
} as const;
const TABLE_COLUMNS = Object.keys(TABLE_FIGURES) as (keyof typeof TABLE_FIGURES)[];
const INDEX_COLUMNS = ['scans', 'entries_read', 'bytes'] as const;

const list = (columns: readonly string[], alias: string): string =>
  columns.map((column) => `${alias}.${column}`).join(', ');

/**
 * The rows of `now` that are not as the last row of this day (UTC) says; at the first snapshot of a day all of them, so that
 * a day's partition tells everything by itself.
 */
const changed = (table: string, name: string, columns: readonly string[], now: string): string => `
  INSERT INTO ${table} (${name}, taken_at, whole_name, ${columns.join(', ')})
  SELECT n.${name}, $1, n.whole_name, ${list(columns, 'n')}
    FROM ${now} AS n
    LEFT JOIN LATERAL (
      SELECT ${list(columns, 'b')} FROM ${table} b
       WHERE b.${name} = n.${name} AND b.taken_at < $1
         AND b.taken_at >= date_trunc('day', $1::timestamptz, 'UTC')
       ORDER BY b.taken_at DESC LIMIT 1) AS last ON true
   WHERE (${list(columns, 'last')}) IS DISTINCT FROM (${list(columns, 'n')})`;

const TABLES = changed(
  'table_snapshots',
  'table_name',
  TABLE_COLUMNS,
  `(SELECT r.table_name, r.whole_name, ${list(TABLE_COLUMNS, 'r')}
      FROM jsonb_to_recordset($2::jsonb)
        AS r(table_name text, whole_name text, ${TABLE_COLUMNS.map((column) => `${column} bigint`).join(', ')}))`,
);

/** By functions: the views have changed between releases. What somebody keeps everyone out of is left out. */
const INDEXES = changed(
  'index_snapshots',
  'index_name',
  INDEX_COLUMNS,
  `(WITH locked AS MATERIALIZED (${LOCKED_RELATIONS})
    SELECT c.relname AS index_name,
           coalesce((SELECT w.relname FROM pg_class w WHERE w.oid = pg_partition_root(c.oid)), c.relname) AS whole_name,
           pg_stat_get_numscans(c.oid) AS scans, pg_stat_get_tuples_returned(c.oid) AS entries_read,
           pg_relation_size(c.oid) AS bytes
      FROM pg_index i
      JOIN pg_class c ON c.oid = i.indexrelid
     WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'i'
       AND NOT EXISTS (SELECT FROM locked l WHERE l.relation = i.indexrelid OR l.relation = i.indrelid))`,
);

/** Writes how large tables and indexes are and what was done in them, where it changed, in the caller's transaction. */
export async function recordObjects(owner: StatementRunner, takenAt: Date): Promise<void> {
  const statistics = await readTableStatistics({
    query: <Row>(text: string, values: readonly unknown[] = []) => rowsOf<Row>(owner, text, values),
  });
  const measured = statistics.filter(({ partitioned, tableBytes }) => !partitioned && tableBytes !== null);
  const rows = measured.map((table) => ({
    table_name: table.name,
    whole_name: table.whole,
    ...Object.fromEntries(TABLE_COLUMNS.map((column) => [column, table[TABLE_FIGURES[column]]])),
  }));
  await owner.query(TABLES, [takenAt, JSON.stringify(rows)]);
  await owner.query(INDEXES, [takenAt]);
}

const SERVER = `
  INSERT INTO server_snapshots (taken_at, active, idle, idle_in_transaction, waiting_for_lock, hidden, blocks_hit,
                                blocks_read, commits, rollbacks, database_bytes, wal_position)
  SELECT $1, a.active, a.idle, a.idle_in_transaction, a.waiting_for_lock, a.hidden, d.blks_hit, d.blks_read,
         d.xact_commit, d.xact_rollback, pg_database_size(d.datid), pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')
    FROM pg_stat_database d
   CROSS JOIN (SELECT count(*) FILTER (WHERE state = 'active')::int AS active,
                      count(*) FILTER (WHERE state = 'idle')::int AS idle,
                      count(*) FILTER (WHERE state LIKE 'idle in transaction%')::int AS idle_in_transaction,
                      count(waiter.pid)::int AS waiting_for_lock, count(*) FILTER (WHERE ${IS_HIDDEN})::int AS hidden
                 FROM pg_stat_activity s
                 LEFT JOIN (SELECT DISTINCT pid FROM pg_locks WHERE NOT granted) AS waiter ON waiter.pid = s.pid
                WHERE ${IS_CLIENT}) AS a
   WHERE d.datname = current_database()`;

/** Writes how the server stands, in the caller's transaction. */
export async function recordServer(owner: StatementRunner, takenAt: Date): Promise<void> {
  await owner.query(SERVER, [takenAt]);
}
