import type { ReportSource } from '../reports/report-source';
import { hasHistory, type HistoryWindow } from './history-window';
import { differencesOf } from './object-differences';

/** How often an index was read, its parts on partitions included, and how much it grew. */
export interface IndexDifference {
  readonly whole: string;
  readonly idxScan: number;
  readonly idxTupRead: number;
  readonly growthBytes: number;
}

/** Counters go down also when an index is rebuilt. */
const DIFFERENCES = differencesOf({
  table: 'index_snapshots',
  part: 'index_name',
  counters: { idxScan: 'scans', idxTupRead: 'entries_read' },
  sizes: { growthBytes: 'bytes' },
});

/** What was read of every index between two snapshots, by the index's name. */
export async function indexesBetween(
  source: ReportSource,
  { from, to }: HistoryWindow,
): Promise<ReadonlyMap<string, IndexDifference>> {
  const rows = await source.query<IndexDifference>(DIFFERENCES, [from, to]);
  return new Map(rows.map((row) => [row.whole, row]));
}

/**
 * A history knows the age of what it saw come. What its first snapshot has seen is as old or older; what it has never seen
 * came after its last.
 */
const CAME = `
  SELECT n.index, coalesce(s.first, clock_timestamp()) AS since
    FROM (SELECT min(taken_at) AS began FROM server_snapshots) AS history
   CROSS JOIN unnest($1::text[]) AS n(index)
    LEFT JOIN LATERAL (SELECT min(taken_at) AS first FROM index_snapshots WHERE index_name = n.index) AS s ON true
   WHERE history.began < coalesce(s.first, 'infinity')`;

/**
 * When indexes came that are younger than the history, by the name of the index or of its part on a partition; older ones,
 * and all where nothing is kept, are left out.
 */
export async function indexesThatCame(
  source: ReportSource,
  names: readonly string[],
): Promise<ReadonlyMap<string, Date>> {
  if (!(await hasHistory(source))) return new Map();
  const rows = await source.query<{ index: string; since: Date }>(CAME, [names]);
  return new Map(rows.map(({ index, since }) => [index, since]));
}
