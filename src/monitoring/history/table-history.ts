import type { ReportSource } from '../reports/report-source';
import type { TableCounters } from '../reports/table-statistics';
import type { HistoryWindow } from './history-window';
import { differencesOf } from './object-differences';

/** What was done in a table, its partitions included, and how much it grew. */
export interface TableDifference extends TableCounters {
  readonly whole: string;
  readonly growthBytes: number;
  readonly growthRows: number;
}

const DIFFERENCES = differencesOf({
  table: 'table_snapshots',
  part: 'table_name',
  counters: {
    seqScan: 'seq_scans',
    seqTupRead: 'seq_rows',
    idxScan: 'index_scans',
    idxTupFetch: 'index_rows',
    nTupIns: 'inserted',
    nTupUpd: 'updated',
    nTupHotUpd: 'hot_updated',
    nTupDel: 'deleted',
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
