import { formatCount } from '../../common/figures';
import { historyWindow, looksBack } from '../history/history-window';
import { tablesBetween, type TableDifference } from '../history/table-history';
import type { Finding, Reading, Report, ReportQuery } from './report';
import type { ReportSource } from './report-source';
import { statisticsStart } from './statistics-age';
import {
  bigSequentialScans,
  readTableStatistics,
  wholeTables,
  type TableStatistics,
  type WholeTable,
} from './table-statistics';

interface Row {
  table: string;
  partitions: number;
  seqScan: number;
  seqTupRead: number;
  idxScan: number;
  idxTupFetch: number;
  nTupIns: number;
  nTupUpd: number;
  nTupDel: number;
  nTupHotUpd: number;
  nLiveTup: number;
  nDeadTup: number;
  lastVacuum: string | null;
  lastAutovacuum: string | null;
  lastAnalyze: string | null;
  lastAutoanalyze: string | null;
  tableBytes: number | null;
  indexBytes: number | null;
  toastBytes: number | null;
  totalBytes: number | null;
  growthBytes: number | null;
  growthRows: number | null;
}

/** How tables are read and written, what is dead in them, and how large they are. */
export const tables: Report<keyof Row> = {
  name: 'tables',
  title: 'Tables: how they are read, written and kept',
  meaning:
    'Every table with its partitions in one line; times are those of the latest of them. Rows count as dead until a vacuum removes them; live and dead rows are estimates. Growth is told of a span of time (from and to); scans and changes are then those of it.',
  remedy:
    'ANALYZE where statistics are stale, VACUUM where rows are dead, and let autovacuum come earlier to tables that change much (ALTER TABLE … SET (autovacuum_vacuum_scale_factor = 0.02)). Sequential scans of many rows ask for an index: indexes/missing.',
  hasHistory: true,
  columns: [
    { key: 'table', title: 'table', unit: 'text' },
    { key: 'partitions', title: 'partitions', unit: 'count' },
    { key: 'totalBytes', title: 'size', unit: 'bytes' },
    { key: 'growthBytes', title: 'growth', unit: 'bytes' },
    { key: 'tableBytes', title: 'of rows', unit: 'bytes' },
    { key: 'indexBytes', title: 'of indexes', unit: 'bytes' },
    { key: 'toastBytes', title: 'of TOAST', unit: 'bytes' },
    { key: 'nLiveTup', title: 'live rows', unit: 'count' },
    { key: 'growthRows', title: 'more rows', unit: 'count' },
    { key: 'nDeadTup', title: 'dead rows', unit: 'count' },
    { key: 'seqScan', title: 'seq scans', unit: 'count' },
    { key: 'seqTupRead', title: 'rows by seq', unit: 'count' },
    { key: 'idxScan', title: 'index scans', unit: 'count' },
    { key: 'idxTupFetch', title: 'rows by index', unit: 'count' },
    { key: 'nTupIns', title: 'inserted', unit: 'count' },
    { key: 'nTupUpd', title: 'updated', unit: 'count' },
    { key: 'nTupHotUpd', title: 'of these HOT', unit: 'count' },
    { key: 'nTupDel', title: 'deleted', unit: 'count' },
    { key: 'lastVacuum', title: 'vacuum', unit: 'time' },
    { key: 'lastAutovacuum', title: 'autovacuum', unit: 'time' },
    { key: 'lastAnalyze', title: 'analyze', unit: 'time' },
    { key: 'lastAutoanalyze', title: 'autoanalyze', unit: 'time' },
  ],
  async read(source, query) {
    const statistics = await readTableStatistics(source);
    const wholes = wholeTables(statistics);
    const rows = wholes.map(rowOf).sort((a, b) => (b.totalBytes ?? 0) - (a.totalBytes ?? 0));
    const counted = looksBack(query) ? await between(source, query, rows) : await sinceReset(source, rows);
    const notes = [...(counted.notes ?? [])];
    if (statistics.some(({ tableBytes }) => tableBytes === null))
      notes.push('Somebody keeps everyone else out of tables whose size is not shown: look at locks');
    return { rows: counted.rows, findings: wholes.flatMap(judged), notes };
  },
};

async function sinceReset(source: ReportSource, rows: readonly Row[]): Promise<Reading<keyof Row>> {
  const { since } = await statisticsStart(source);
  return { rows, notes: [`Scans and changes are counted since ${since.toISOString()}`] };
}

/** What grew most first. */
async function between(
  source: ReportSource,
  query: ReportQuery,
  rows: readonly Row[],
): Promise<Reading<keyof Row>> {
  const window = await historyWindow(source, query);
  const done = await tablesBetween(source, window);
  return {
    rows: rows
      .flatMap((row) => differenceRow(row, done.get(row.table)))
      .toSorted((a, b) => (b.growthBytes ?? 0) - (a.growthBytes ?? 0)),
    notes: [...window.notes, 'Sizes, live and dead rows and the times of maintenance are those of now'],
  };
}

/** A table that was made afterwards, or that was never seen open, is left out. */
function differenceRow(row: Row, difference: TableDifference | undefined): Row[] {
  if (difference === undefined) return [];
  const { whole: _, ...figures } = difference;
  return [{ ...row, ...figures }];
}

function rowOf({ name, parent, parts }: WholeTable): Row {
  const sum = (of: (part: TableStatistics) => number): number =>
    parts.reduce((total, part) => total + of(part), 0);
  const bytes = (of: (part: TableStatistics) => number | null): number | null =>
    parts.some((part) => of(part) === null) ? null : sum((part) => of(part) ?? 0);
  const latest = (of: (part: TableStatistics) => Date | null): string | null =>
    latestOf([...parts, ...(parent ? [parent] : [])].map(of));
  return {
    table: name,
    partitions: parent === undefined ? 0 : parts.length,
    seqScan: sum(({ seqScan }) => seqScan),
    seqTupRead: sum(({ seqTupRead }) => seqTupRead),
    idxScan: sum(({ idxScan }) => idxScan),
    idxTupFetch: sum(({ idxTupFetch }) => idxTupFetch),
    nTupIns: sum(({ nTupIns }) => nTupIns),
    nTupUpd: sum(({ nTupUpd }) => nTupUpd),
    nTupDel: sum(({ nTupDel }) => nTupDel),
    nTupHotUpd: sum(({ nTupHotUpd }) => nTupHotUpd),
    nLiveTup: sum(({ nLiveTup }) => nLiveTup),
    nDeadTup: sum(({ nDeadTup }) => nDeadTup),
    lastVacuum: latest(({ lastVacuum }) => lastVacuum),
    lastAutovacuum: latest(({ lastAutovacuum }) => lastAutovacuum),
    lastAnalyze: latest(({ lastAnalyze }) => lastAnalyze),
    lastAutoanalyze: latest(({ lastAutoanalyze }) => lastAutoanalyze),
    tableBytes: bytes(({ tableBytes }) => tableBytes),
    indexBytes: bytes(({ indexBytes }) => indexBytes),
    toastBytes: bytes(({ toastBytes }) => toastBytes),
    totalBytes: bytes(totalOf),
    growthBytes: null,
    growthRows: null,
  };
}

function latestOf(times: readonly (Date | null)[]): string | null {
  const known = times.filter((time) => time !== null).map((time) => time.getTime());
  return known.length === 0 ? null : new Date(Math.max(...known)).toISOString();
}

const totalOf = ({ tableBytes, indexBytes, toastBytes }: TableStatistics): number | null =>
  tableBytes === null || indexBytes === null || toastBytes === null
    ? null
    : tableBytes + indexBytes + toastBytes;

const judged = (whole: WholeTable): Finding[] => [
  ...whole.parts.flatMap(deadRowsOf),
  ...whole.parts.flatMap(staleStatisticsOf),
  ...staleWhole(whole),
  ...sequentialScans(whole),
];

function deadRowsOf({ name, sql, nDeadTup, vacuumAt, autovacuum }: TableStatistics): Finding[] {
  if (nDeadTup <= vacuumAt) return [];
  const why = autovacuum ? '' : ', and autovacuum is off for it';
  return [
    {
      severity: 'warn',
      subject: name,
      detail: `has ${formatCount(nDeadTup)} dead rows; autovacuum is due from ${formatCount(Math.ceil(vacuumAt))}${why}`,
      remedy: autovacuum
        ? `Look at vacuum and long-running for what keeps it from them, or run VACUUM ${sql}`
        : `Run VACUUM ${sql}, and ALTER TABLE ${sql} RESET (autovacuum_enabled)`,
    },
  ];
}

function staleStatisticsOf(table: TableStatistics): Finding[] {
  const { name, sql, nModSinceAnalyze: changed, analyzeAt, nLiveTup, plannedRows } = table;
  const never = plannedRows === null && nLiveTup > analyzeAt;
  if (changed <= analyzeAt && !never) return [];
  return [
    {
      severity: 'warn',
      subject: name,
      detail: never
        ? `has stale statistics: its ${formatCount(nLiveTup)} rows were never analysed, and plans are guesses`
        : `has stale statistics: ${formatCount(changed)} rows changed since they were taken; autovacuum is due from ${formatCount(Math.ceil(analyzeAt))}`,
      remedy: `Run ANALYZE ${sql}`,
    },
  ];
}

/** Autovacuum analyses partitions and never the table that they belong to, by which joins and groups are planned. */
function staleWhole({ parent, parts }: WholeTable): Finding[] {
  if (parent === undefined) return [];
  const rows = parts.reduce((sum, { nLiveTup }) => sum + nLiveTup, 0);
  const planned = parent.plannedRows ?? 0;
  const { name, sql, analyzeAt } = parent;
  if (Math.abs(rows - planned) <= analyzeAt) return [];
  return [
    {
      severity: 'warn',
      subject: name,
      detail:
        parent.plannedRows === null
          ? `has no statistics of the whole: its partitions hold ${formatCount(rows)} rows, and autovacuum analyses only them`
          : `has stale statistics of the whole: they say ${formatCount(planned)} rows, its partitions hold ${formatCount(rows)}, and autovacuum analyses only them`,
      remedy: `Run ANALYZE ${sql}`,
    },
  ];
}

function sequentialScans(whole: WholeTable): Finding[] {
  const big = bigSequentialScans(whole);
  if (big === undefined) return [];
  return [
    {
      severity: 'info',
      subject: whole.name,
      detail: `was read from beginning to end ${formatCount(big.scans)} times, ${formatCount(big.rowsOfEach)} rows each`,
      remedy: 'Look at indexes/missing and slow-queries for the statements that do it',
    },
  ];
}
