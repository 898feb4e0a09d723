import { LOCKED_RELATIONS } from './locked-relations';
import { rowsOf, type StatementRunner } from './statement-runner';

/** An index that the database has. */
export interface LiveIndex {
  readonly oid: string;
  readonly name: string;
  /** The name as a statement takes it: quoted, and with its schema where the search path leads elsewhere. */
  readonly sql: string;
  /** The table or partition it is on. */
  readonly table: string;
  /** As `pg_get_indexdef` writes it. */
  readonly definition: string;
  /** What of the definition follows the table's name, UNIQUE before it: equal for indexes that differ in name only. */
  readonly form: string;
  /** Questions may use it. False while it is built, after a broken build, and while a partition lacks its own. */
  readonly valid: boolean;
  /** Writers keep it up to date. */
  readonly ready: boolean;
  readonly unique: boolean;
  /** The primary key, unique or exclusion constraint that it belongs to. */
  readonly constraint: string | undefined;
  /** It belongs to an exclusion constraint, and cannot be rebuilt concurrently. */
  readonly exclusion: boolean;
  /** It is of a partitioned table, and holds nothing itself. */
  readonly partitioned: boolean;
  /** The index of the partitioned table that it is a part of, by its oid. */
  readonly attachedTo: string | undefined;
  /** The process of the server that builds it just now. */
  readonly builtBy: number | undefined;
  /** Bytes, those of its parts included. */
  readonly bytes: number;
  /** How often a plan began to read it, its parts included, since statistics were reset. */
  readonly idxScan: number;
  /** Index entries that were read, those of its parts included. */
  readonly idxTupRead: number;
  /** Those of the partitions that are attached to it. */
  readonly parts: readonly LiveIndex[];
}

/** A table that the database has, with its indexes and partitions. */
export interface LiveTable {
  readonly oid: string;
  readonly name: string;
  /** The name as a statement takes it. */
  readonly sql: string;
  readonly partitioned: boolean;
  /** Whether the role of this connection may change it. */
  readonly ours: boolean;
  /** Bytes of its own rows: 0 for a partitioned table. */
  readonly bytes: number;
  readonly indexes: readonly LiveIndex[];
  readonly partitions: readonly LiveTable[];
}

interface TableRow {
  readonly table_oid: string;
  readonly parent: string | null;
  readonly table_name: string;
  readonly table_sql: string;
  readonly table_partitioned: boolean;
  readonly ours: boolean;
  readonly table_bytes: number;
}

interface IndexRow extends TableRow {
  readonly oid: string;
  readonly name: string;
  readonly sql: string;
  readonly definition: string;
  readonly form: string;
  readonly valid: boolean;
  readonly ready: boolean;
  readonly is_unique: boolean;
  readonly constraint_name: string | null;
  readonly exclusion: boolean;
  readonly partitioned: boolean;
  readonly attached_to: string | null;
  readonly built_by: number | null;
  readonly bytes: number;
  readonly idx_scan: number;
  readonly idx_tup_read: number;
}

type Row = IndexRow | (TableRow & { readonly oid: null });

/**
 * `pg_get_indexdef` of an index `i` named `c` on a table `t` in a schema `n`, without what tells it from one on
 * another table: both names, and ONLY.
 */
export const INDEX_FORM = `
  CASE WHEN i.indisunique THEN 'UNIQUE ' ELSE '' END || substr(pg_get_indexdef(i.indexrelid),
    length(format('CREATE %sINDEX %I ON %s%I.%I ', CASE WHEN i.indisunique THEN 'UNIQUE ' END, c.relname,
                  CASE WHEN c.relkind = 'I' THEN 'ONLY ' END,
                  CASE WHEN t.relpersistence = 't' THEN 'pg_temp' ELSE n.nspname END, t.relname)) + 1)`;

/** Works on PostgreSQL 15 to 18: the statistics are asked by functions, since the views have changed. */
const LIVE_TABLES = `
  WITH RECURSIVE member AS (
    SELECT oid, NULL::oid AS parent FROM pg_class
     WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
       AND ($1::text[] IS NULL OR relname = ANY ($1)) AND oid <> ALL ($2::oid[])
    UNION ALL
    SELECT h.inhrelid, h.inhparent FROM member
      JOIN pg_inherits h ON h.inhparent = member.oid AND NOT h.inhdetachpending
      JOIN pg_class p ON p.oid = h.inhrelid AND p.relispartition AND p.relkind IN ('r', 'p')
                     AND p.oid <> ALL ($2::oid[])
  )
  SELECT t.oid::text AS table_oid, member.parent::text AS parent, t.relname AS table_name,
         t.oid::regclass::text AS table_sql, t.relkind = 'p' AS table_partitioned,
         pg_has_role(t.relowner, 'USAGE') AS ours, coalesce(pg_relation_size(t.oid), 0)::float8 AS table_bytes,
         i.indexrelid::text AS oid, c.relname AS name, i.indexrelid::regclass::text AS sql,
         pg_get_indexdef(i.indexrelid) AS definition,
         CASE WHEN i.indexrelid IS NOT NULL THEN ${INDEX_FORM} END AS form,
         i.indisvalid AS valid, i.indisready AS ready, i.indisunique AS is_unique,
         (SELECT conname FROM pg_constraint
           WHERE conindid = i.indexrelid AND contype IN ('p', 'u', 'x') LIMIT 1) AS constraint_name,
         i.indisexclusion AS exclusion,
         c.relkind = 'I' AS partitioned,
         (SELECT inhparent::text FROM pg_inherits WHERE inhrelid = i.indexrelid) AS attached_to,
         (SELECT pid FROM pg_stat_progress_create_index
           WHERE index_relid = i.indexrelid AND datname = current_database() LIMIT 1) AS built_by,
         coalesce(pg_relation_size(i.indexrelid), 0)::float8 AS bytes,
         pg_stat_get_numscans(i.indexrelid)::float8 AS idx_scan,
         pg_stat_get_tuples_returned(i.indexrelid)::float8 AS idx_tup_read
    FROM member
    JOIN pg_class t ON t.oid = member.oid
    JOIN pg_namespace n ON n.oid = t.relnamespace
    LEFT JOIN (pg_index i JOIN pg_class c ON c.oid = i.indexrelid) ON i.indrelid = t.oid
   ORDER BY t.relname, c.relname`;

/** A table that somebody keeps everyone else out of: who asks for its sizes or for the forms of its indexes waits. */
export interface LockedTable {
  readonly oid: string;
  readonly name: string;
}

const LOCKED_TABLES = `
  WITH locked AS MATERIALIZED (${LOCKED_RELATIONS})
  SELECT c.oid::text AS oid, c.relname AS name
    FROM pg_class c
   WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p', 'm')
     AND EXISTS (SELECT FROM locked l
                  WHERE l.relation = c.oid
                     OR EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indexrelid = l.relation))
   ORDER BY 2`;

/** The tables and partitions of the current schema that, or indexes of which, somebody locks for himself or is about to. */
export const readLockedTables = (runner: StatementRunner): Promise<LockedTable[]> =>
  rowsOf<LockedTable>(runner, LOCKED_TABLES);

/**
 * Reads what the database has: the tables of the current schema, each with its indexes and its tree of partitions.
 * @param names only these tables; all of them when left out
 * @param leftOut neither these nor what belongs to them
 * @returns the tables that are not partitions themselves, by name
 */
export async function readLiveTables(
  runner: StatementRunner,
  names?: readonly string[],
  leftOut: readonly LockedTable[] = [],
): Promise<LiveTable[]> {
  const rows = await rowsOf<Row>(runner, LIVE_TABLES, [names ?? null, leftOut.map(({ oid }) => oid)]);
  const tables = [...groupBy(rows, ({ table_oid: oid }) => oid).values()];
  const parts = groupBy(
    rows.filter((row): row is IndexRow => row.oid !== null && row.attached_to !== null),
    ({ attached_to: parent }) => parent,
  );
  const childrenOf = groupBy(tables, ([first]) => first?.parent ?? null);
  const build = (own: readonly Row[]): LiveTable[] => {
    const [table] = own;
    if (table === undefined) return [];
    return [
      {
        oid: table.table_oid,
        name: table.table_name,
        sql: table.table_sql,
        partitioned: table.table_partitioned,
        ours: table.ours,
        bytes: table.table_bytes,
        indexes: own.filter((row): row is IndexRow => row.oid !== null).map((row) => liveIndex(row, parts)),
        partitions: (childrenOf.get(table.table_oid) ?? []).flatMap(build),
      },
    ];
  };
  return (childrenOf.get(null) ?? []).flatMap(build);
}

function liveIndex(row: IndexRow, partsOf: ReadonlyMap<string | null, readonly IndexRow[]>): LiveIndex {
  const parts = (partsOf.get(row.oid) ?? []).map((part) => liveIndex(part, partsOf));
  const total = (own: number, of: (part: LiveIndex) => number): number =>
    parts.reduce((sum, part) => sum + of(part), own);
  return {
    oid: row.oid,
    name: row.name,
    sql: row.sql,
    table: row.table_name,
    definition: row.definition,
    form: row.form,
    valid: row.valid,
    ready: row.ready,
    unique: row.is_unique,
    constraint: row.constraint_name ?? undefined,
    exclusion: row.exclusion,
    partitioned: row.partitioned,
    attachedTo: row.attached_to ?? undefined,
    builtBy: row.built_by ?? undefined,
    bytes: total(row.bytes, ({ bytes }) => bytes),
    idxScan: total(row.idx_scan, ({ idxScan }) => idxScan),
    idxTupRead: total(row.idx_tup_read, ({ idxTupRead }) => idxTupRead),
    parts,
  };
}

function groupBy<Item, Key>(items: readonly Item[], keyOf: (item: Item) => Key): Map<Key, Item[]> {
  const groups = new Map<Key, Item[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}

/** A table and all its partitions, from the top down. */
export function withPartitions(table: LiveTable): LiveTable[] {
  return [table, ...table.partitions.flatMap(withPartitions)];
}
