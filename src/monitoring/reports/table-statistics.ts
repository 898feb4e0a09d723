import { LOCKED_RELATIONS } from '../../database/indexes/locked-relations';
import type { ReportSource } from './report-source';

/** What PostgreSQL counts of a table's reads and writes, by the names of its columns. */
export interface TableCounters {
  readonly seqScan: number;
  readonly seqTupRead: number;
  readonly idxScan: number;
  readonly idxTupFetch: number;
  readonly nTupIns: number;
  readonly nTupUpd: number;
  readonly nTupDel: number;
  readonly nTupHotUpd: number;
}

/** A table that holds rows: a partition, or one without partitions; or the table that partitions belong to. */
export interface TableStatistics extends TableCounters {
  readonly oid: string;
  readonly name: string;
  /** The name as a statement takes it. */
  readonly sql: string;
  /** The table that a partition belongs to, at the top; its own name for others. */
  readonly whole: string;
  /** It holds nothing itself. */
  readonly partitioned: boolean;
  readonly nLiveTup: number;
  readonly nDeadTup: number;
  /** Rows changed since the planner's statistics were taken. */
  readonly nModSinceAnalyze: number;
  /** Rows as the planner believes; undefined while nobody has ever counted. */
  readonly plannedRows: number | null;
  readonly lastVacuum: Date | null;
  readonly lastAutovacuum: Date | null;
  readonly lastAnalyze: Date | null;
  readonly lastAutoanalyze: Date | null;
  /** Bytes of the rows, their maps included; null while somebody keeps everyone out of the table. */
  readonly tableBytes: number | null;
  readonly indexBytes: number | null;
  readonly toastBytes: number | null;
  /** Dead rows beyond which autovacuum comes. */
  readonly vacuumAt: number;
  /** Changed rows beyond which autovacuum takes new statistics. */
  readonly analyzeAt: number;
  readonly autovacuum: boolean;
}

/** A setting of a table, or of the server where the table has none. */
const setting = (name: string): string => `
  coalesce((SELECT option_value FROM pg_options_to_table(c.reloptions) WHERE option_name = '${name}'),
           current_setting('${name}'))::float8`;

/**
 * Sizes are only asked of tables that nobody locks for himself: asking waits for him, and the report would fail. The
 * thresholds are autovacuum's own (PostgreSQL: 24.1.6 The Autovacuum Daemon), with the upper bound of PostgreSQL 18.
 */
const TABLES = `
  WITH locked AS MATERIALIZED (${LOCKED_RELATIONS}
  ), member AS MATERIALIZED (
    SELECT c.oid, c.relname, c.relkind, c.reltoastrelid, c.reloptions, c.reltuples,
           NOT EXISTS (SELECT FROM locked l
                        WHERE l.relation = c.oid OR l.relation = c.reltoastrelid
                           OR EXISTS (SELECT FROM pg_index i
                                       WHERE i.indrelid = c.oid AND i.indexrelid = l.relation)) AS open
      FROM pg_class c
     WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p', 'm')
  )
  SELECT c.oid::text AS oid, c.relname AS name, c.oid::regclass::text AS sql, c.relkind = 'p' AS partitioned,
         coalesce((SELECT relname FROM pg_class WHERE oid = pg_partition_root(c.oid)), c.relname) AS whole,
         coalesce(s.seq_scan, 0)::float8 AS "seqScan", coalesce(s.seq_tup_read, 0)::float8 AS "seqTupRead",
         coalesce(s.idx_scan, 0)::float8 AS "idxScan", coalesce(s.idx_tup_fetch, 0)::float8 AS "idxTupFetch",
         coalesce(s.n_tup_ins, 0)::float8 AS "nTupIns", coalesce(s.n_tup_upd, 0)::float8 AS "nTupUpd",
         coalesce(s.n_tup_del, 0)::float8 AS "nTupDel", coalesce(s.n_tup_hot_upd, 0)::float8 AS "nTupHotUpd",
         coalesce(s.n_live_tup, 0)::float8 AS "nLiveTup", coalesce(s.n_dead_tup, 0)::float8 AS "nDeadTup",
         coalesce(s.n_mod_since_analyze, 0)::float8 AS "nModSinceAnalyze",
         nullif(c.reltuples, -1)::float8 AS "plannedRows",
         s.last_vacuum AS "lastVacuum", s.last_autovacuum AS "lastAutovacuum",
         s.last_analyze AS "lastAnalyze", s.last_autoanalyze AS "lastAutoanalyze",
         CASE WHEN c.open THEN pg_table_size(c.oid)
                - CASE WHEN c.reltoastrelid = 0 THEN 0 ELSE pg_total_relation_size(c.reltoastrelid) END
         END::float8 AS "tableBytes",
         CASE WHEN c.open THEN pg_indexes_size(c.oid) END::float8 AS "indexBytes",
         CASE WHEN c.reltoastrelid = 0 THEN 0 WHEN c.open THEN pg_total_relation_size(c.reltoastrelid)
         END::float8 AS "toastBytes",
         least(${setting('autovacuum_vacuum_threshold')}
                 + ${setting('autovacuum_vacuum_scale_factor')} * greatest(c.reltuples, 0),
               nullif(current_setting('autovacuum_vacuum_max_threshold', true)::float8, -1)) AS "vacuumAt",
         ${setting('autovacuum_analyze_threshold')}
           + ${setting('autovacuum_analyze_scale_factor')} * greatest(c.reltuples, 0) AS "analyzeAt",
         current_setting('autovacuum')::bool AND coalesce(
           (SELECT option_value::bool FROM pg_options_to_table(c.reloptions)
             WHERE option_name = 'autovacuum_enabled'), true) AS autovacuum
    FROM member c LEFT JOIN pg_stat_all_tables s ON s.relid = c.oid
   ORDER BY c.relname`;

/** What PostgreSQL has counted of every table of the schema, partitions and what they belong to each by themselves. */
export const readTableStatistics = (source: Pick<ReportSource, 'query'>): Promise<TableStatistics[]> =>
  source.query<TableStatistics>(TABLES);

/** A table with its partitions, those that hold rows; the table itself where it has none. */
export interface WholeTable {
  readonly name: string;
  /** Of a partitioned table: what is known of the whole. */
  readonly parent: TableStatistics | undefined;
  readonly parts: readonly TableStatistics[];
}

/** Partitions beside the table that they belong to, by its name. */
export function wholeTables(tables: readonly TableStatistics[]): WholeTable[] {
  const names = [...new Set(tables.map(({ whole }) => whole))].sort();
  return names.map((name) => ({
    name,
    parent: tables.find((table) => table.name === name && table.partitioned),
    parts: tables.filter(({ whole, partitioned }) => whole === name && !partitioned),
  }));
}

/** Fewer rows are read faster than any index leads to them. */
const MANY_ROWS = 10_000;
/** Backups, counts and analyses read everything now and then. */
const NOW_AND_THEN = 10;

/** What sequential scans of a table read, if they are many and read much. */
export interface BigSequentialScans {
  readonly scans: number;
  readonly rowsOfEach: number;
}

/** Whether questions go through a large table from its beginning to its end, again and again. */
export function bigSequentialScans({ parts }: WholeTable): BigSequentialScans | undefined {
  const scans = parts.reduce((sum, { seqScan }) => sum + seqScan, 0);
  const read = parts.reduce((sum, { seqTupRead }) => sum + seqTupRead, 0);
  if (scans < NOW_AND_THEN || read / scans < MANY_ROWS) return undefined;
  return { scans, rowsOfEach: Math.round(read / scans) };
}
