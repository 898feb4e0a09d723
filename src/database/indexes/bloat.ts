import { withPartitions, type LiveIndex, type LiveTable } from './live-indexes';
import { rowsOf, type StatementRunner } from './statement-runner';

/** What of an index holds nothing, its parts together. */
export interface IndexBloat {
  readonly index: string;
  readonly table: string;
  readonly bytes: number;
  /** Bytes that a rebuild would give back; undefined where neither way of measuring knows this kind of index. */
  readonly bloatBytes: number | undefined;
}

/** How bloat was found: read off every page by pgstattuple, or reckoned from statistics. */
export interface BloatReport {
  readonly method: 'exact' | 'estimate';
  readonly indexes: readonly IndexBloat[];
}

/** Bytes of an index without parts that hold nothing; undefined where this way does not know them. */
export type MeasureBloat = (leaf: Pick<LiveIndex, 'oid' | 'bytes'>) => Promise<number | undefined>;

const BTREE = /^(?:UNIQUE )?USING btree /;
/** Pages of an index are left that empty for rows to come, unless it says otherwise. */
const FILL_FACTOR = `coalesce((SELECT option_value::float8 FROM pg_options_to_table(c.reloptions)
                                WHERE option_name = 'fillfactor'), 90)`;

/**
 * Measures how much of the B-tree indexes of these tables is empty: exactly where the extension pgstattuple is
 * installed or this role may create it, for the time being and never for good; from statistics elsewhere. Where
 * entries repeat, statistics show too little.
 * @param onMeasured called after each index or part of one
 */
export async function measureBloat(
  runner: StatementRunner,
  tables: readonly LiveTable[],
  onMeasured: () => void = () => undefined,
): Promise<BloatReport> {
  const indexes = tables.flatMap((table) => table.indexes);
  await runner.query('BEGIN');
  try {
    const schema = await extensionSchema(runner);
    const measure = schema === undefined ? estimatedIndexBloat(runner) : exactIndexBloat(runner, schema);
    const measured: IndexBloat[] = [];
    for (const index of indexes) {
      const bloatBytes = await total(index, measure, onMeasured);
      measured.push({ index: index.name, table: index.table, bytes: index.bytes, bloatBytes });
    }
    return { method: schema === undefined ? 'estimate' : 'exact', indexes: measured };
  } finally {
    await runner.query('ROLLBACK').catch(() => undefined);
  }
}

/** How many indexes and parts of indexes there are to measure. */
export const measurable = (tables: readonly LiveTable[]): number =>
  tables.flatMap(withPartitions).flatMap(({ indexes }) => indexes.filter(({ partitioned }) => !partitioned))
    .length;

async function total(
  index: LiveIndex,
  measure: MeasureBloat,
  onMeasured: () => void,
): Promise<number | undefined> {
  if (!index.partitioned) {
    const bytes = BTREE.test(index.form) && index.valid ? await measure(index) : undefined;
    onMeasured();
    return bytes;
  }
  let sum: number | undefined;
  for (const part of index.parts) {
    const bytes = await total(part, measure, onMeasured);
    if (bytes !== undefined) sum = (sum ?? 0) + bytes;
  }
  return sum;
}

/** The schema of pgstattuple's functions, if this role may use them; the caller's transaction is rolled back. */
async function extensionSchema(runner: StatementRunner): Promise<string | undefined> {
  await runner.query('SAVEPOINT extension');
  try {
    await runner.query('CREATE EXTENSION IF NOT EXISTS pgstattuple');
    const [row] = await rowsOf<{ schema: string; usable: boolean }>(
      runner,
      `SELECT quote_ident(n.nspname) AS schema, has_function_privilege(p.oid, 'EXECUTE') AS usable
         FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
         JOIN pg_proc p ON p.pronamespace = n.oid AND p.proname = 'pgstatindex' AND p.proargtypes[0] = 'regclass'::regtype
        WHERE e.extname = 'pgstattuple'`,
    );
    return row?.usable === true ? row.schema : undefined;
  } catch {
    await runner.query('ROLLBACK TO SAVEPOINT extension');
    return undefined;
  }
}

/**
 * Leaves of a B-tree that are emptier than a fresh build leaves them, and pages that hold nothing at all.
 * @param schema the one that pgstattuple is installed in, quoted
 */
export function exactIndexBloat(runner: StatementRunner, schema: string): MeasureBloat {
  return async ({ oid }) => {
    const [row] = await rowsOf<{ bloat: number }>(
      runner,
      `SELECT (current_setting('block_size')::float8 *
                (s.leaf_pages * greatest(0, 1 - s.avg_leaf_density / ${FILL_FACTOR}) + s.empty_pages + s.deleted_pages)
              )::float8 AS bloat
         FROM pg_class c, LATERAL ${schema}.pgstatindex(c.oid::regclass) AS s WHERE c.oid = $1::oid`,
      [oid],
    );
    // An index without entries has no density.
    return row === undefined || Number.isNaN(row.bloat) ? 0 : Math.round(row.bloat);
  };
}

/**
 * What a B-tree takes beyond what its entries need, by the planner's statistics.
 * An entry is 8 bytes, its values rounded up to a multiple of 8, and a line pointer of 4; a page has a header of 24
 * bytes and 16 at its end (PostgreSQL's storage/bufpage.h, access/itup.h and access/nbtree.h).
 */
export function estimatedIndexBloat(runner: StatementRunner): MeasureBloat {
  return async ({ oid, bytes }) => {
    const [row] = await rowsOf<{ needed: number | null }>(
      runner,
      `SELECT (size.block * (1 + ceil(c.reltuples * (12 + 8 * ceil(width.bytes / 8))
                / ((size.block - 40) * ${FILL_FACTOR} / 100))))::float8 AS needed
         FROM pg_class c
         JOIN pg_index i ON i.indexrelid = c.oid
         JOIN pg_class t ON t.oid = i.indrelid
        CROSS JOIN (SELECT current_setting('block_size')::float8 AS block) AS size
        CROSS JOIN LATERAL (
          SELECT sum(s.avg_width)::float8 AS bytes
            FROM pg_attribute a
            LEFT JOIN pg_attribute k ON k.attrelid = t.oid AND k.attnum = i.indkey[a.attnum - 1]
            JOIN pg_stats s ON NOT s.inherited AND s.schemaname = t.relnamespace::regnamespace::text
             AND s.tablename = CASE WHEN k.attnum IS NULL THEN c.relname ELSE t.relname END
             AND s.attname = coalesce(k.attname, a.attname)
           WHERE a.attrelid = c.oid) AS width
        WHERE c.oid = $1::oid AND c.reltuples >= 0`,
      [oid],
    );
    return row?.needed == null ? undefined : Math.max(0, bytes - row.needed);
  };
}
