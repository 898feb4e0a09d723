import {
  readLiveTables,
  readLockedTables,
  withPartitions,
  type LiveIndex,
  type LiveTable,
  type LockedTable,
} from '../../database/indexes/live-indexes';
import type { ReportSource } from './report-source';

/** What is known of one index beside its tree: what it is made of, and what relies on it. */
export interface IndexFacts {
  readonly oid: string;
  /** Such as btree or gin. */
  readonly method: string;
  /** Each key with its operator class and collation, the direction left out. */
  readonly keys: readonly string[];
  /** Of each key: 1 for DESC, 2 for NULLS FIRST, 3 for both (PostgreSQL: pg_index.indoption). */
  readonly directions: readonly number[];
  /** The columns of the keys, null for expressions. */
  readonly keyColumns: readonly (string | null)[];
  /** Columns that are only carried along. */
  readonly included: readonly string[];
  readonly predicate: string | null;
  readonly nullsNotDistinct: boolean;
  /** Uniqueness is checked with each row, not with the transaction. */
  readonly immediate: boolean;
  /** Foreign keys point to the columns that it keeps unique, or replication tells rows apart by it. */
  readonly reliedOn: boolean;
  readonly idxTupFetch: number;
  /** When it was last read: from PostgreSQL 16 on. */
  readonly lastIdxScan: Date | null;
}

/** `last_idx_scan` came with PostgreSQL 16. */
const LAST_SCAN_SINCE = 160_000;

/** Functions, since the views leave partitioned indexes out. */
const facts = (serverVersion: number): string => `
  SELECT i.indexrelid::text AS oid, am.amname AS method,
         ARRAY(SELECT concat_ws(' ', pg_get_indexdef(i.indexrelid, k, false), i.indclass[k - 1], i.indcollation[k - 1])
                 FROM generate_series(1, i.indnkeyatts) AS k ORDER BY k) AS keys,
         ARRAY(SELECT i.indoption[k - 1]::int FROM generate_series(1, i.indnkeyatts) AS k ORDER BY k) AS directions,
         ARRAY(SELECT a.attname::text FROM generate_series(1, i.indnkeyatts) AS k
                 LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[k - 1] AND a.attnum > 0
                ORDER BY k) AS "keyColumns",
         ARRAY(SELECT a.attname::text FROM generate_series(i.indnkeyatts + 1, i.indnatts) AS k
                 JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[k - 1]
                ORDER BY k) AS included,
         pg_get_expr(i.indpred, i.indrelid) AS predicate, i.indnullsnotdistinct AS "nullsNotDistinct",
         i.indimmediate AS immediate,
         i.indisreplident OR EXISTS (SELECT FROM pg_constraint
                                      WHERE conindid = i.indexrelid AND contype = 'f') AS "reliedOn",
         pg_stat_get_tuples_fetched(i.indexrelid)::float8 AS "idxTupFetch",
         ${serverVersion >= LAST_SCAN_SINCE ? 'pg_stat_get_lastscan(i.indexrelid)' : 'NULL::timestamptz'} AS "lastIdxScan"
    FROM pg_index i
    JOIN pg_class c ON c.oid = i.indexrelid
    JOIN pg_am am ON am.oid = c.relam
   WHERE c.relnamespace = current_schema()::regnamespace AND i.indrelid <> ALL ($1::oid[])`;

/** The tables of the schema with their indexes, and the facts of each index by its oid. */
export interface LiveIndexes {
  /** Those that are no partitions, each with its partitions. */
  readonly tables: readonly LiveTable[];
  /** An index that was made between the two questions has none. */
  readonly facts: ReadonlyMap<string, IndexFacts>;
  /** What has to be said of those that are left out. */
  readonly notes: readonly string[];
}

/** Reads every index of the schema, but those of tables that somebody keeps everyone else out of. */
export async function readLiveIndexes(source: ReportSource): Promise<LiveIndexes> {
  const locked = await readLockedTables(source);
  const tables = await readLiveTables(source, undefined, locked);
  const rows = await source.query<IndexFacts>(facts(source.serverVersion), [locked.map(({ oid }) => oid)]);
  return { tables, facts: new Map(rows.map((row) => [row.oid, row])), notes: notesOnLocked(locked) };
}

/** What has to be said where indexes are left out because their tables cannot be looked at. */
export const notesOnLocked = (locked: readonly LockedTable[]): string[] =>
  locked.length === 0
    ? []
    : [
        `Somebody keeps everyone else out of ${locked.map(({ name }) => name).join(', ')}: indexes there are left out, and locks shows who it is`,
      ];

/** An index with the table that it is on. */
export interface PlacedIndex {
  readonly index: LiveIndex;
  readonly table: LiveTable;
}

/** Those that are no part of another: of a partitioned table, the whole. */
export const wholeIndexes = (tables: readonly LiveTable[]): PlacedIndex[] =>
  tables
    .flatMap(withPartitions)
    .flatMap((table) =>
      table.indexes.filter(({ attachedTo }) => attachedTo === undefined).map((index) => ({ index, table })),
    );

/** An index and all its parts. */
export const withParts = (index: LiveIndex): LiveIndex[] => [index, ...index.parts.flatMap(withParts)];

/** How an index goes away: that of a partitioned table cannot go CONCURRENTLY. */
export const dropping = ({ sql, partitioned }: Pick<LiveIndex, 'sql' | 'partitioned'>): string =>
  partitioned
    ? `Run DROP INDEX ${sql} in a quiet moment, with SET lock_timeout = '1s' before it`
    : `Run DROP INDEX CONCURRENTLY ${sql}`;
