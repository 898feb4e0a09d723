import type { ReportSource } from '../reports/report-source';
import type { HistoryWindow } from './history-window';

/** How often an index was read, its parts on partitions included, and how much it grew. */
export interface IndexDifference {
  readonly whole: string;
  readonly scans: number;
  readonly entriesRead: number;
  readonly growthBytes: number;
}

/** The last row of every index up to a snapshot: a day's partition holds all of them. */
const standing = (at: string): string => `
  SELECT DISTINCT ON (index_name) index_name, whole_name, taken_at, scans, entries_read, bytes
    FROM index_snapshots WHERE taken_at >= date_trunc('day', ${at}::timestamptz, 'UTC') AND taken_at <= ${at}
   ORDER BY index_name, taken_at DESC`;

/** Counters that went down were lost, as when an index was rebuilt, and count from zero. */
const DIFFERENCES = `
  WITH before AS MATERIALIZED (${standing('$1')}), after AS MATERIALIZED (${standing('$2')}),
  seen AS (
    SELECT index_name, whole_name, taken_at, true AS is_start, scans, entries_read FROM before
    UNION ALL
    SELECT index_name, whole_name, taken_at, false, scans, entries_read
      FROM index_snapshots WHERE taken_at > $1 AND taken_at <= $2),
  step AS (
    SELECT whole_name, is_start,
           scans - CASE WHEN scans >= lag(scans) OVER w THEN lag(scans) OVER w ELSE 0 END AS scans,
           entries_read - CASE WHEN entries_read >= lag(entries_read) OVER w
                               THEN lag(entries_read) OVER w ELSE 0 END AS entries_read
      FROM seen WINDOW w AS (PARTITION BY index_name ORDER BY taken_at)),
  done AS (
    SELECT whole_name, coalesce(sum(scans) FILTER (WHERE NOT is_start), 0)::float8 AS scans,
           coalesce(sum(entries_read) FILTER (WHERE NOT is_start), 0)::float8 AS entries_read
      FROM step GROUP BY whole_name),
  grown AS (
    SELECT whole_name, sum(bytes)::float8 AS bytes
      FROM (SELECT whole_name, bytes FROM after UNION ALL SELECT whole_name, -bytes FROM before) AS size
     GROUP BY whole_name)
  SELECT d.whole_name AS whole, d.scans, d.entries_read AS "entriesRead", g.bytes AS "growthBytes"
    FROM done d JOIN grown g ON g.whole_name = d.whole_name`;

/** What was read of every index between two snapshots, by the index's name. */
export async function indexesBetween(
  source: ReportSource,
  { from, to }: HistoryWindow,
): Promise<ReadonlyMap<string, IndexDifference>> {
  const rows = await source.query<IndexDifference>(DIFFERENCES, [from, to]);
  return new Map(rows.map((row) => [row.whole, row]));
}
