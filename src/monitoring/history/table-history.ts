import type { ReportSource } from '../reports/report-source';
import type { HistoryWindow } from './history-window';

/** What was done in a table, its partitions included, and how much it grew. */
export interface TableDifference {
  readonly whole: string;
  readonly seqScans: number;
  readonly seqRows: number;
  readonly indexScans: number;
  readonly indexRows: number;
  readonly inserted: number;
  readonly updated: number;
  readonly hotUpdated: number;
  readonly deleted: number;
  readonly growthBytes: number;
  readonly growthRows: number;
}

const COUNTERS = {
  seqScans: 'seq_scans',
  seqRows: 'seq_rows',
  indexScans: 'index_scans',
  indexRows: 'index_rows',
  inserted: 'inserted',
  updated: 'updated',
  hotUpdated: 'hot_updated',
  deleted: 'deleted',
} as const;
const COLUMNS = Object.values(COUNTERS);
const NAMES = Object.entries(COUNTERS);

/** The last row of every table up to a snapshot: a day's partition holds all of them. */
const standing = (at: string): string => `
  SELECT DISTINCT ON (table_name) table_name, whole_name, taken_at, live_rows,
         table_bytes + index_bytes + toast_bytes AS bytes, ${COLUMNS.join(', ')}
    FROM table_snapshots WHERE taken_at >= date_trunc('day', ${at}::timestamptz, 'UTC') AND taken_at <= ${at}
   ORDER BY table_name, taken_at DESC`;

/**
 * Counters are added up step by step: where one went down, PostgreSQL had lost it, and it counts from zero. A table that is
 * not there at the beginning has grown from nothing.
 */
const DIFFERENCES = `
  WITH before AS MATERIALIZED (${standing('$1')}), after AS MATERIALIZED (${standing('$2')}),
  seen AS (
    SELECT table_name, whole_name, taken_at, true AS is_start, ${COLUMNS.join(', ')} FROM before
    UNION ALL
    SELECT table_name, whole_name, taken_at, false, ${COLUMNS.join(', ')}
      FROM table_snapshots WHERE taken_at > $1 AND taken_at <= $2),
  step AS (
    SELECT whole_name, is_start,
           ${COLUMNS.map((name) => `${name} - CASE WHEN ${name} >= lag(${name}) OVER w THEN lag(${name}) OVER w ELSE 0 END AS ${name}`).join(', ')}
      FROM seen WINDOW w AS (PARTITION BY table_name ORDER BY taken_at)),
  done AS (
    SELECT whole_name, ${COLUMNS.map((name) => `coalesce(sum(${name}) FILTER (WHERE NOT is_start), 0)::float8 AS ${name}`).join(', ')}
      FROM step GROUP BY whole_name),
  grown AS (
    SELECT whole_name, sum(bytes)::float8 AS bytes, sum(live_rows)::float8 AS live_rows
      FROM (SELECT whole_name, bytes, live_rows FROM after
            UNION ALL SELECT whole_name, -bytes, -live_rows FROM before) AS size
     GROUP BY whole_name)
  SELECT d.whole_name AS whole, ${NAMES.map(([name, column]) => `d.${column} AS "${name}"`).join(', ')},
         g.bytes AS "growthBytes", g.live_rows AS "growthRows"
    FROM done d JOIN grown g ON g.whole_name = d.whole_name`;

/** What was done in every table between two snapshots, by the table's name. */
export async function tablesBetween(
  source: ReportSource,
  { from, to }: HistoryWindow,
): Promise<ReadonlyMap<string, TableDifference>> {
  const rows = await source.query<TableDifference>(DIFFERENCES, [from, to]);
  return new Map(rows.map((row) => [row.whole, row]));
}
