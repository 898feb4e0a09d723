import { formatCount, formatShare } from '../../common/figures';
import { historyWindow, looksBack } from '../history/history-window';
import { blocksBetween } from '../history/server-history';
import type { Finding, Reading, Report, ReportQuery } from './report';
import type { ReportSource } from './report-source';
import { statisticsStart } from './statistics-age';

/** What a database that fits its memory reaches; below it questions wait for the system. */
const GOOD_RATIO = 0.99;
/** Fewer reads are the first ones after a start, which nothing can keep in memory (10 000 blocks are 80 MB). */
const MANY_READS = 10_000;
const WHOLE = '(all tables)';
/** What the history keeps: the catalogues, and what was dropped since, count too. */
const DATABASE = '(this database)';

interface Row {
  table: string;
  ratio: number | null;
  hits: number;
  reads: number;
  tableHits: number | null;
  tableReads: number | null;
  tableRatio: number | null;
  indexHits: number | null;
  indexReads: number | null;
  indexRatio: number | null;
}

interface Blocks {
  table: string;
  tableHits: number;
  tableReads: number;
  indexHits: number;
  indexReads: number;
}

/** How much PostgreSQL finds in its own memory. */
export const cacheHitRatio: Report<keyof Row> = {
  name: 'cache-hit-ratio',
  title: 'Blocks found in the memory of PostgreSQL',
  meaning:
    'The share of blocks that were in shared_buffers when they were asked for; the others came from the operating system, whose own cache may have had them. TOAST counts with its table. Empty: nothing was read yet. Of a span of time (from and to) it is that of the whole database.',
  remedy:
    'Where the whole stays below 99 % raise shared_buffers (a quarter of the memory is usual), and look in slow-queries for statements that read many blocks.',
  hasHistory: true,
  columns: [
    { key: 'table', title: 'table', unit: 'text' },
    { key: 'ratio', title: 'together', unit: 'ratio' },
    { key: 'hits', title: 'hit', unit: 'count' },
    { key: 'reads', title: 'read', unit: 'count' },
    { key: 'tableRatio', title: 'rows', unit: 'ratio' },
    { key: 'tableHits', title: 'rows: hit', unit: 'count' },
    { key: 'tableReads', title: 'rows: read', unit: 'count' },
    { key: 'indexRatio', title: 'indexes', unit: 'ratio' },
    { key: 'indexHits', title: 'indexes: hit', unit: 'count' },
    { key: 'indexReads', title: 'indexes: read', unit: 'count' },
  ],
  read: (source, query) => (looksBack(query) ? readWindow(source, query) : readNow(source)),
};

async function readNow(source: ReportSource): Promise<Reading<keyof Row>> {
  const blocks = await readBlocks(source);
  const sum = (key: Exclude<keyof Blocks, 'table'>): number =>
    blocks.reduce((total, row) => total + row[key], 0);
  const whole = withRatios({
    table: WHOLE,
    tableHits: sum('tableHits'),
    tableReads: sum('tableReads'),
    indexHits: sum('indexHits'),
    indexReads: sum('indexReads'),
  });
  const rows = blocks.map(withRatios);
  const { since } = await statisticsStart(source);
  const notes = [`Counted since ${since.toISOString()}`];
  if (whole.tableRatio === null) notes.push('nothing read yet');
  return {
    rows: [whole, ...rows],
    findings: [...judged(whole, 'warn'), ...rows.flatMap((row) => judged(row, 'info'))],
    notes,
    summary: { tables: rounded(whole.tableRatio), indexes: rounded(whole.indexRatio) },
  };
}

async function readWindow(source: ReportSource, query: ReportQuery): Promise<Reading<keyof Row>> {
  const window = await historyWindow(source, query);
  const { hits, reads } = await blocksBetween(source, window);
  const found = ratio(hits, reads);
  return {
    rows: [
      {
        table: DATABASE,
        ratio: found,
        hits,
        reads,
        tableHits: null,
        tableReads: null,
        tableRatio: null,
        indexHits: null,
        indexReads: null,
        indexRatio: null,
      },
    ],
    findings: finding(DATABASE, 'tables and indexes', found, reads, 'warn'),
    notes: [
      ...window.notes,
      'Of single tables the history keeps no blocks: slow-queries has them by statement',
    ],
    summary: { together: rounded(found) },
  };
}

/** Of every table, its partitions together, those first that read the most. */
const readBlocks = (source: ReportSource): Promise<Blocks[]> =>
  source.query<Blocks>(
    `SELECT coalesce(r.relname, c.relname) AS table,
            sum(coalesce(s.heap_blks_hit, 0) + coalesce(s.toast_blks_hit, 0) + coalesce(s.tidx_blks_hit, 0))::float8
              AS "tableHits",
            sum(coalesce(s.heap_blks_read, 0) + coalesce(s.toast_blks_read, 0) + coalesce(s.tidx_blks_read, 0))::float8
              AS "tableReads",
            sum(coalesce(s.idx_blks_hit, 0))::float8 AS "indexHits",
            sum(coalesce(s.idx_blks_read, 0))::float8 AS "indexReads"
       FROM pg_statio_all_tables s
       JOIN pg_class c ON c.oid = s.relid
       LEFT JOIN pg_class r ON r.oid = pg_partition_root(c.oid)
      WHERE c.relnamespace = current_schema()::regnamespace
      GROUP BY 1
      ORDER BY "tableReads" DESC, "tableHits" DESC, 1`,
  );

const withRatios = (blocks: Blocks): Row => ({
  ...blocks,
  hits: blocks.tableHits + blocks.indexHits,
  reads: blocks.tableReads + blocks.indexReads,
  ratio: ratio(blocks.tableHits + blocks.indexHits, blocks.tableReads + blocks.indexReads),
  tableRatio: ratio(blocks.tableHits, blocks.tableReads),
  indexRatio: ratio(blocks.indexHits, blocks.indexReads),
});

/** Null where nothing was asked for. */
const ratio = (hits: number, reads: number): number | null =>
  hits + reads === 0 ? null : hits / (hits + reads);

const rounded = (share: number | null): number | null => (share === null ? null : Number(share.toFixed(4)));

function judged(row: Row, severity: Finding['severity']): Finding[] {
  const ofTable = finding(row.table, 'rows', row.tableRatio, row.tableReads, severity);
  const ofIndexes = finding(row.table, 'indexes', row.indexRatio, row.indexReads, severity);
  return [...ofTable, ...ofIndexes];
}

function finding(
  subject: string,
  what: string,
  found: number | null,
  reads: number | null,
  severity: Finding['severity'],
): Finding[] {
  if (found === null || reads === null || found >= GOOD_RATIO || reads < MANY_READS) return [];
  return [
    {
      severity,
      subject,
      detail: `${formatShare(found)} of the blocks of its ${what} were in memory, ${formatCount(reads)} were read`,
      remedy:
        subject === WHOLE || subject === DATABASE
          ? 'Raise shared_buffers (settings), or give the server more memory'
          : 'Look in slow-queries for statements that read much of it, and at indexes/missing',
    },
  ];
}
