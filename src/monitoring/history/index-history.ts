import type { ReportSource } from '../reports/report-source';
import type { HistoryWindow } from './history-window';
import { differencesOf } from './object-differences';

/** How often an index was read, its parts on partitions included, and how much it grew. */
export interface IndexDifference {
  readonly whole: string;
  readonly scans: number;
  readonly entriesRead: number;
  readonly growthBytes: number;
}

/** Counters go down also when an index is rebuilt. */
const DIFFERENCES = differencesOf({
  table: 'index_snapshots',
  part: 'index_name',
  counters: { scans: 'scans', entriesRead: 'entries_read' },
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
