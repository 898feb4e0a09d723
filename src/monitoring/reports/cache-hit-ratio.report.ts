import { formatCount, formatShare } from '../../common/figures';
import type { Finding, Report } from './report';
import type { ReportSource } from './report-source';
import { statisticsStart } from './statistics-age';

/** What a database that fits its memory reaches; below it questions wait for the system. */
const GOOD_RATIO = 0.99;
/** Fewer reads are the first ones after a start, which nothing can keep in memory (10 000 blocks are 80 MB). */
const MANY_READS = 10_000;
const WHOLE = '(all tables)';

interface Row {
  table: string;
  tableHits: number;
  tableReads: number;
  tableRatio: number | null;
  indexHits: number;
  indexReads: number;
  indexRatio: number | null;
}

type Blocks = Omit<Row, 'tableRatio' | 'indexRatio'>;

/** How much PostgreSQL finds in its own memory. */
export const cacheHitRatio: Report<keyof Row> = {
  name: 'cache-hit-ratio',
  title: 'Blocks found in the memory of PostgreSQL',
  meaning:
    'The share of blocks that were in shared_buffers when they were asked for; the others came from the operating system, whose own cache may have had them. TOAST counts with its table. Empty: nothing was read yet.',
  remedy:
    'Where the whole stays below 99 % raise shared_buffers (a quarter of the memory is usual), and look in slow-queries for statements that read many blocks.',
  columns: [
    { key: 'table', title: 'table', unit: 'text' },
    { key: 'tableRatio', title: 'rows', unit: 'ratio' },
    { key: 'tableHits', title: 'rows: hit', unit: 'count' },
    { key: 'tableReads', title: 'rows: read', unit: 'count' },
    { key: 'indexRatio', title: 'indexes', unit: 'ratio' },
    { key: 'indexHits', title: 'indexes: hit', unit: 'count' },
    { key: 'indexReads', title: 'indexes: read', unit: 'count' },
  ],
  async read(source) {
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
  },
};

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
  reads: number,
  severity: Finding['severity'],
): Finding[] {
  if (found === null || found >= GOOD_RATIO || reads < MANY_READS) return [];
  return [
    {
      severity,
      subject,
      detail: `${formatShare(found)} of the blocks of its ${what} were in memory, ${formatCount(reads)} were read`,
      remedy:
        subject === WHOLE
          ? 'Raise shared_buffers (settings), or give the server more memory'
          : 'Look in slow-queries for statements that read much of it, and at indexes/missing',
    },
  ];
}
