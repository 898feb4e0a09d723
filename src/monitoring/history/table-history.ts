import type { ReportSource } from '../reports/report-source';
import type { HistoryWindow } from './history-window';
import { differencesOf } from './object-differences';

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

const DIFFERENCES = differencesOf({
  table: 'table_snapshots',
  part: 'table_name',
  counters: {
    seqScans: 'seq_scans',
    seqRows: 'seq_rows',
    indexScans: 'index_scans',
    indexRows: 'index_rows',
    inserted: 'inserted',
    updated: 'updated',
    hotUpdated: 'hot_updated',
    deleted: 'deleted',
  },
  sizes: { growthBytes: 'table_bytes + index_bytes + toast_bytes', growthRows: 'live_rows' },
});

/** What was done in every table between two snapshots, by the table's name. */
export async function tablesBetween(
  source: ReportSource,
  { from, to }: HistoryWindow,
): Promise<ReadonlyMap<string, TableDifference>> {
  const rows = await source.query<TableDifference>(DIFFERENCES, [from, to]);
  return new Map(rows.map((row) => [row.whole, row]));
}
