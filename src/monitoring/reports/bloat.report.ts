import { formatBytes, formatShare } from '../../common/figures';
import { sqlState } from '../../database/query-events';
import { estimatedIndexBloat, exactIndexBloat } from '../../database/indexes/bloat';

import { readLiveIndexes, wholeIndexes, withParts, type LiveIndexes } from './index-facts';
import type { Finding, Report } from './report';
import type { ReportSource } from './report-source';
import { estimateTableBloat, exactTableBloat } from './table-bloat';
import { readTableStatistics } from './table-statistics';
import { SqlState } from '../../database/sql-states';

/** What is smaller is made of few pages, of which one that is half empty says nothing. */
const SMALLEST_BYTES = 1024 * 1024;
/** A B-tree that is written at random keeps a quarter of its pages free: more than that is bloat. */
const MUCH = 0.3;
const WORTH_MENDING_BYTES = 10 * 1024 * 1024;
/** An exact look reads the pages: no more of one table or index than that, and none is begun later. */
const MOST_BYTES_READ = 256 * 1024 * 1024;
const EXACT_FOR_MS = 5_000;
/** SQLSTATE query_canceled, by the timeout, and lock_not_available. */
const TOOK_TOO_LONG: ReadonlySet<string | undefined> = new Set([
  SqlState.QUERY_CANCELED,
  SqlState.LOCK_NOT_AVAILABLE,
]);

interface Row {
  kind: 'table' | 'index';
  name: string;
  table: string;
  bytes: number;
  bloatBytes: number | null;
  ratio: number | null;
  method: 'exact' | 'estimate' | 'unknown';
}

/** A table or index before and after it was looked at exactly. */
interface Measured extends Omit<Row, 'ratio'> {
  /** What an exact look reads. */
  readonly bytesToRead: number;
  /** Looks at the pages, where pgstattuple may be used and knows such a thing. */
  readonly look: (() => Promise<number | undefined>) | undefined;
}

/** How much of tables and indexes holds nothing. */
export const bloat: Report<keyof Row> = {
  name: 'bloat',
  title: 'Bloat: what of tables and indexes holds nothing',
  meaning:
    'Space that dead rows have left, or still take. Tables fill it again with new rows, so it matters where it is a large part and stays. Partitions stand by themselves, since they are mended by themselves.',
  remedy:
    'An index is rebuilt while it serves: npm run db:indexes -- --reindex NAME. A table gives space back by VACUUM FULL, which keeps everyone out, or by pg_repack; and autovacuum that comes earlier keeps it from growing.',
  columns: [
    { key: 'kind', title: 'kind', unit: 'text' },
    { key: 'name', title: 'name', unit: 'text' },
    { key: 'table', title: 'table', unit: 'text' },
    { key: 'bytes', title: 'size', unit: 'bytes' },
    { key: 'bloatBytes', title: 'bloat', unit: 'bytes' },
    { key: 'ratio', title: 'share', unit: 'ratio' },
    { key: 'method', title: 'by', unit: 'text' },
  ],
  async read(source) {
    const schema = await usableExtension(source);
    const live = await readLiveIndexes(source);
    const estimates = [...(await ofTables(source, schema)), ...(await ofIndexes(source, schema, live))];
    const measured = await lookExactly(estimates.sort((a, b) => b.bytes - a.bytes));
    const rows = measured.map(rowOf).sort((a, b) => (b.bloatBytes ?? -1) - (a.bloatBytes ?? -1));
    return {
      rows,
      findings: rows.flatMap(judged),
      notes: [...notesOn(rows, schema), ...live.notes],
      summary: {
        bytes: rows.reduce((sum, { bytes }) => sum + bytes, 0),
        bloatBytes: rows.reduce((sum, { bloatBytes }) => sum + (bloatBytes ?? 0), 0),
      },
    };
  },
};

/** The schema of pgstattuple where it is installed and this role may use it. */
async function usableExtension(source: ReportSource): Promise<string | undefined> {
  const schema = await source.extension('pgstattuple');
  if (schema === undefined) return undefined;
  const [row] = await source.query<{ usable: boolean }>(
    `SELECT has_function_privilege($1, 'EXECUTE') AND has_function_privilege($2, 'EXECUTE') AS usable`,
    [`${schema}.pgstattuple_approx(regclass)`, `${schema}.pgstatindex(regclass)`],
  );
  return row?.usable === true ? schema : undefined;
}

async function ofTables(source: ReportSource, schema: string | undefined): Promise<Measured[]> {
  const tables = (await readTableStatistics(source)).filter(
    ({ partitioned, tableBytes }) => !partitioned && (tableBytes ?? 0) >= SMALLEST_BYTES,
  );
  const names = new Map(tables.map(({ oid, name }) => [oid, name]));
  const estimates = await estimateTableBloat(source, [...names.keys()]);
  return estimates.map(({ oid, bytes, bloatBytes, bytesToRead }) => ({
    kind: 'table',
    name: names.get(oid) ?? oid,
    table: names.get(oid) ?? oid,
    bytes,
    bloatBytes,
    method: bloatBytes === null ? 'unknown' : 'estimate',
    bytesToRead,
    look: schema === undefined ? undefined : () => exactTableBloat(source, schema, oid),
  }));
}

/** Only B-trees are known to both ways of measuring. */
async function ofIndexes(
  source: ReportSource,
  schema: string | undefined,
  { tables, facts }: LiveIndexes,
): Promise<Measured[]> {
  const estimate = estimatedIndexBloat(source);
  const exact = schema === undefined ? undefined : exactIndexBloat(source, schema);
  const leaves = wholeIndexes(tables)
    .flatMap(({ index }) => withParts(index))
    .filter(({ partitioned, valid, bytes }) => !partitioned && valid && bytes >= SMALLEST_BYTES)
    .filter(({ oid }) => facts.get(oid)?.method === 'btree');
  const measured: Measured[] = [];
  for (const leaf of leaves) {
    const bloatBytes = (await estimate(leaf)) ?? null;
    measured.push({
      kind: 'index',
      name: leaf.name,
      table: leaf.table,
      bytes: leaf.bytes,
      bloatBytes,
      method: bloatBytes === null ? 'unknown' : 'estimate',
      bytesToRead: leaf.bytes,
      look: exact === undefined ? undefined : () => exact(leaf),
    });
  }
  return measured;
}

/** The largest first, as long as there is time; whatever takes too long keeps its estimate. */
async function lookExactly(estimates: readonly Measured[]): Promise<Measured[]> {
  const until = performance.now() + EXACT_FOR_MS;
  const measured: Measured[] = [];
  for (const estimate of estimates) {
    const affordable = estimate.bytesToRead <= MOST_BYTES_READ && performance.now() < until;
    const seen = affordable && estimate.look !== undefined ? await inTime(estimate.look) : undefined;
    measured.push(seen === undefined ? estimate : { ...estimate, bloatBytes: seen, method: 'exact' });
  }
  return measured;
}

async function inTime(look: () => Promise<number | undefined>): Promise<number | undefined> {
  try {
    return await look();
  } catch (error) {
    if (TOOK_TOO_LONG.has(sqlState(error))) return undefined;
    throw error;
  }
}

const rowOf = ({ kind, name, table, bytes, bloatBytes, method }: Measured): Row => ({
  kind,
  name,
  table,
  bytes,
  bloatBytes,
  ratio: bloatBytes === null || bytes === 0 ? null : bloatBytes / bytes,
  method,
});

function judged({ kind, name, bytes, bloatBytes, ratio, method }: Row): Finding[] {
  if (bloatBytes === null || bloatBytes < WORTH_MENDING_BYTES || (ratio ?? 0) < MUCH) return [];
  const about = method === 'estimate' ? 'about ' : '';
  return [
    {
      severity: 'warn',
      subject: name,
      detail: `${about}${formatBytes(bloatBytes)} of ${formatBytes(bytes)} hold nothing (${formatShare(ratio ?? 0)})`,
      remedy:
        kind === 'index'
          ? `Run npm run db:indexes -- --reindex ${name}`
          : 'Let new rows fill it, or give it back by VACUUM FULL in a quiet hour, which keeps everyone out',
    },
  ];
}

function notesOn(rows: readonly Row[], schema: string | undefined): string[] {
  const notes = [
    `What is smaller than ${formatBytes(SMALLEST_BYTES)} is left out, and so are indexes that are no B-trees`,
  ];
  if (schema === undefined)
    notes.push(
      'Estimates from the statistics of the planner: exact where a superuser runs CREATE EXTENSION pgstattuple and grants pg_stat_scan_tables to the owner',
    );
  else if (rows.some(({ method }) => method !== 'exact'))
    notes.push('What would have taken too long to read is estimated from the statistics of the planner');
  if (rows.some(({ method }) => method === 'unknown'))
    notes.push('Some were never analysed, so nothing is known of them: run npm run db:indexes -- --analyze');
  return notes;
}
