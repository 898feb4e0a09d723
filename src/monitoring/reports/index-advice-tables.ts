import { withParts, type LiveIndexes } from './index-facts';
import type { Candidate } from './index-advice-candidates';
import type { WeighedColumn, WeighedTable } from './index-advice-weighing';
import type { ReportSource } from './report-source';
import { readTableStatistics, wholeTables } from './table-statistics';

/** Smaller tables are read faster than any index leads to their rows. */
const MANY_ROWS = 1_000;

/** A table that is large enough for an index, with what an index would cost those who write there. */
export interface AdvisedTable extends WeighedTable {
  readonly nTupIns: number;
  readonly nTupUpd: number;
}

interface ColumnRow {
  readonly table: string;
  readonly column: string;
  readonly sql: string;
  readonly bytes: number | null;
}

/** Columns that a B-tree can hold, with the average length of their values. */
const COLUMNS = `
  SELECT c.relname AS table, a.attname AS column, quote_ident(a.attname) AS sql,
         coalesce(max(s.avg_width), nullif(a.attlen, -1))::float8 AS bytes
    FROM pg_class c
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_stats s ON s.schemaname = c.relnamespace::regnamespace::text AND s.tablename = c.relname
                        AND s.attname = a.attname
   WHERE c.relnamespace = current_schema()::regnamespace AND c.relname = ANY ($1)
     AND EXISTS (SELECT FROM pg_type t
                  WHERE t.oid = a.atttypid
                    AND (t.typtype IN ('e', 'd', 'r')
                         OR EXISTS (SELECT FROM pg_opclass o JOIN pg_am m ON m.oid = o.opcmethod
                                     WHERE m.amname = 'btree' AND o.opcdefault
                                       AND (o.opcintype = t.oid OR t.typname = 'varchar'))))
   GROUP BY c.relname, a.attname, a.attnum, a.attlen`;

/** The large tables by the name of each table and partition: advice is always for the whole. */
export async function advisedTables(source: ReportSource): Promise<ReadonlyMap<string, AdvisedTable>> {
  const wholes = wholeTables(await readTableStatistics(source)).map((whole) => ({
    ...whole,
    rows: whole.parts.reduce((sum, part) => sum + Math.max(part.nLiveTup, part.plannedRows ?? 0), 0),
  }));
  const large = wholes.filter(({ rows }) => rows >= MANY_ROWS);
  const columns = await source.query<ColumnRow>(COLUMNS, [large.map(({ name }) => name)]);
  const tables = large.flatMap(({ name, parent, parts, rows }): [string, AdvisedTable][] => {
    const sql = parent?.sql ?? parts[0]?.sql;
    if (sql === undefined) return [];
    const table = {
      name,
      sql,
      partitioned: parent !== undefined,
      rows,
      columns: columnsOf(name, columns),
      nTupIns: parts.reduce((sum, { nTupIns }) => sum + nTupIns, 0),
      nTupUpd: parts.reduce((sum, { nTupUpd }) => sum + nTupUpd, 0),
    };
    return [name, ...parts.map((part) => part.name)].map((relation) => [relation, table]);
  });
  return new Map(tables);
}

const columnsOf = (name: string, columns: readonly ColumnRow[]): ReadonlyMap<string, WeighedColumn> =>
  new Map(
    columns
      .filter(({ table }) => table === name)
      .map(({ column, sql, bytes }) => [column, { sql, bytes: bytes ?? 32 }]),
  );

/**
 * Whether an index that is there does the same, or may, where nobody can look: it begins with the columns that are compared with one value, in any order, and
 * goes on with the others in theirs; or it keeps rows unique by the former alone.
 */
export function isCovered(
  { columns, equal }: Candidate,
  table: string,
  { tables, facts }: LiveIndexes,
): boolean {
  const compared = new Set(columns.slice(0, equal).map(({ column }) => column));
  const then = columns.slice(equal);
  const own = tables.find(({ name }) => name === table);
  if (own === undefined) return true;
  return own.indexes
    .filter(({ valid }) => valid)
    .some((index) => {
      const fact = facts.get(index.oid) ?? facts.get(withParts(index)[1]?.oid ?? '');
      if (fact === undefined || fact.method !== 'btree' || fact.predicate !== null) return false;
      const keys = fact.keyColumns;
      if (index.unique && keys.every((key) => key !== null && compared.has(key))) return true;
      const begins =
        keys.slice(0, equal).every((key) => key !== null && compared.has(key)) &&
        keys.length >= columns.length;
      if (!begins || !then.every(({ column }, place) => keys[equal + place] === column)) return false;
      const turned = then.map(
        ({ descending }, place) => descending !== ((fact.directions[equal + place] ?? 0) % 2 === 1),
      );
      return turned.every((turn) => turn === turned[0]);
    });
}
