import { formatCount } from '../../common/figures';
import { readLockedTables, type LockedTable } from '../../database/indexes/live-indexes';
import { notesOnLocked } from './index-facts';
import type { Finding, Report } from './report';
import type { ReportSource } from './report-source';
import { statisticsStart } from './statistics-age';
import { bigSequentialScans, readTableStatistics, wholeTables, type WholeTable } from './table-statistics';

/** Fewer rows are read faster than any index leads to them; the foreign key is named all the same. */
const MANY_ROWS = 1_000;

interface Row {
  table: string;
  reason: string;
  columns: readonly string[];
  constraint: string | null;
  references: string | null;
  nLiveTup: number;
  seqScan: number;
  rowsOfEach: number | null;
}

/** A foreign key whose columns no index leads with. */
interface ForeignKey {
  readonly table: string;
  readonly sql: string;
  readonly constraint: string;
  readonly columns: readonly string[];
  /** The columns as a statement takes them. */
  readonly columnList: string;
  readonly references: string;
}

/** Where an index is lacking. */
export const indexesMissing: Report<keyof Row> = {
  name: 'indexes/missing',
  title: 'Foreign keys without an index, and large tables read from beginning to end',
  meaning:
    'To delete a row, or change its key, PostgreSQL looks for rows that point to it: without an index that leads with the columns of the foreign key it reads the whole table. And a large table that is read sequentially again and again is asked something that no index answers.',
  remedy:
    'Declare the index on the entity with the question it answers, and build it with npm run db:indexes; indexes/advice weighs candidates for real statements.',
  columns: [
    { key: 'table', title: 'table', unit: 'text' },
    { key: 'reason', title: 'reason', unit: 'text' },
    { key: 'columns', title: 'columns', unit: 'text' },
    { key: 'constraint', title: 'foreign key', unit: 'text' },
    { key: 'references', title: 'to', unit: 'text' },
    { key: 'nLiveTup', title: 'rows', unit: 'count' },
    { key: 'seqScan', title: 'seq scans', unit: 'count' },
    { key: 'rowsOfEach', title: 'rows of each', unit: 'count' },
  ],
  async read(source) {
    const wholes = wholeTables(await readTableStatistics(source));
    const byName = new Map(wholes.map((whole) => [whole.name, whole]));
    const locked = await readLockedTables(source);
    const keys = await foreignKeysWithoutIndex(source, locked);
    const scanned = wholes.flatMap((whole) => {
      const big = bigSequentialScans(whole);
      return big === undefined ? [] : [{ whole, big }];
    });
    const { since } = await statisticsStart(source);
    return {
      rows: [
        ...keys.map((key) => keyRow(key, byName.get(key.table))),
        ...scanned.map(({ whole, big }) => scanRow(whole, big.rowsOfEach)),
      ],
      findings: [
        ...keys.map((key) => keyFinding(key, byName.get(key.table))),
        ...scanned.map(({ whole, big }) => scanFinding(whole.name, big)),
      ],
      notes: [
        `Sequential scans are counted since ${since.toISOString()}; backups and counts read everything too`,
        ...notesOnLocked(locked),
      ],
    };
  },
};

/**
 * Constraints of partitions are parts of their table's. The columns may come in any order, as long as no other comes
 * between; a partial index serves only where it leaves out nothing but nulls, which point nowhere.
 */
const foreignKeysWithoutIndex = (
  source: ReportSource,
  locked: readonly LockedTable[],
): Promise<ForeignKey[]> =>
  source.query<ForeignKey>(
    `SELECT t.relname AS table, k.conrelid::regclass::text AS sql, k.conname AS constraint,
            array_agg(a.attname::text ORDER BY u.place) AS columns,
            string_agg(quote_ident(a.attname), ', ' ORDER BY u.place) AS "columnList",
            k.confrelid::regclass::text AS references
       FROM pg_constraint k
       JOIN pg_class t ON t.oid = k.conrelid
      CROSS JOIN LATERAL unnest(k.conkey) WITH ORDINALITY AS u(attnum, place)
       JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.attnum
      WHERE k.contype = 'f' AND k.conparentid = 0 AND t.relnamespace = current_schema()::regnamespace
        AND k.conrelid <> ALL ($1::oid[])
        AND NOT EXISTS (
          SELECT FROM pg_index i
            JOIN pg_class c ON c.oid = i.indexrelid
            JOIN pg_am am ON am.oid = c.relam AND am.amname = ANY ('{btree,hash}')
           WHERE i.indrelid = k.conrelid AND i.indisvalid
             AND i.indnkeyatts >= cardinality(k.conkey)
             AND (i.indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey
             AND (i.indpred IS NULL OR pg_get_expr(i.indpred, i.indrelid) = ANY (
                   SELECT format('(%I IS NOT NULL)', p.attname) FROM pg_attribute p
                    WHERE p.attrelid = k.conrelid AND p.attnum = ANY (k.conkey))))
      GROUP BY k.oid, t.relname, k.conrelid, k.conname, k.confrelid
      ORDER BY 1, 3`,
    [locked.map(({ oid }) => oid)],
  );

const sum = (whole: WholeTable | undefined, of: (part: WholeTable['parts'][number]) => number): number =>
  whole?.parts.reduce((total, part) => total + of(part), 0) ?? 0;

const rowsIn = (whole: WholeTable | undefined): number => sum(whole, ({ nLiveTup }) => nLiveTup);

const keyRow = (
  { table, columns, constraint, references }: ForeignKey,
  whole: WholeTable | undefined,
): Row => ({
  table,
  reason: 'foreign key without index',
  columns,
  constraint,
  references,
  nLiveTup: rowsIn(whole),
  seqScan: sum(whole, ({ seqScan }) => seqScan),
  rowsOfEach: null,
});

const scanRow = (whole: WholeTable, rowsOfEach: number): Row => ({
  table: whole.name,
  reason: 'sequential scans',
  columns: [],
  constraint: null,
  references: null,
  nLiveTup: rowsIn(whole),
  seqScan: sum(whole, ({ seqScan }) => seqScan),
  rowsOfEach,
});

function keyFinding(key: ForeignKey, whole: WholeTable | undefined): Finding {
  const rows = rowsIn(whole);
  const build = whole?.parent === undefined ? 'CREATE INDEX CONCURRENTLY' : 'CREATE INDEX';
  return {
    severity: rows >= MANY_ROWS ? 'warn' : 'info',
    subject: key.constraint,
    detail: `of ${key.table} to ${key.references} has no index that leads with (${key.columns.join(', ')}): who deletes there reads ${formatCount(rows)} rows here`,
    remedy: `Declare the index on the entity and run npm run db:indexes, or ${build} ON ${key.sql} (${key.columnList})`,
  };
}

const scanFinding = (
  table: string,
  { scans, rowsOfEach }: { scans: number; rowsOfEach: number },
): Finding => ({
  severity: 'warn',
  subject: table,
  detail: `was read from beginning to end ${formatCount(scans)} times, ${formatCount(rowsOfEach)} rows each: some question finds no index`,
  remedy: 'Look for its statements in slow-queries and at indexes/advice',
});
