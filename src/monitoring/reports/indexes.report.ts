import type { CatalogueIndex } from '../../database/indexes/index-catalogue';
import { historyWindow, looksBack } from '../history/history-window';
import { indexesBetween } from '../history/index-history';
import { readLiveIndexes, wholeIndexes, withParts, type IndexFacts, type PlacedIndex } from './index-facts';
import type { Reading, Report, ReportQuery } from './report';
import type { ReportSource } from './report-source';
import { statisticsStart } from './statistics-age';

interface Row {
  table: string;
  index: string;
  kind: string;
  valid: boolean;
  idxScan: number;
  idxTupRead: number;
  idxTupFetch: number | null;
  lastIdxScan: string | null;
  bytes: number;
  growth: number | null;
  serves: string | null;
}

/** Every index, how it is used, and what for. */
export const indexes: Report<keyof Row> = {
  name: 'indexes',
  title: 'Indexes: how they are used, and what for',
  meaning:
    'Every index, its parts on partitions summed; "scans" is how often a plan began to read it, "entries read" what it read there, "rows fetched" what plain index scans took from the table. "serves" is the question that the code declares it for. Of a span of time (from and to) it is what was read in it, and how much the index grew.',
  remedy:
    'One that reads many entries for few rows leads to more than is asked for: a narrower index serves better. For those that serve nobody look at indexes/unused and indexes/duplicate.',
  hasHistory: true,
  columns: [
    { key: 'table', title: 'table', unit: 'text' },
    { key: 'index', title: 'index', unit: 'text' },
    { key: 'kind', title: 'kind', unit: 'text' },
    { key: 'valid', title: 'valid', unit: 'flag' },
    { key: 'idxScan', title: 'scans', unit: 'count' },
    { key: 'idxTupRead', title: 'entries read', unit: 'count' },
    { key: 'idxTupFetch', title: 'rows fetched', unit: 'count' },
    { key: 'lastIdxScan', title: 'last scan', unit: 'time' },
    { key: 'bytes', title: 'size', unit: 'bytes' },
    { key: 'growth', title: 'growth', unit: 'bytes' },
    { key: 'serves', title: 'serves', unit: 'text' },
  ],
  async read(source, query) {
    const { tables, facts, notes } = await readLiveIndexes(source);
    const declared = new Map(source.catalogue.map((index) => [index.name, index]));
    const rows = wholeIndexes(tables).map((placed) => rowOf(placed, facts, declared.get(placed.index.name)));
    const counted = looksBack(query) ? await between(source, query, rows) : await sinceReset(source, rows);
    return {
      rows: counted.rows.toSorted((a, b) => b.idxScan - a.idxScan || b.bytes - a.bytes),
      notes: [...counted.notes, ...notes],
      summary: { indexes: rows.length, bytes: rows.reduce((sum, { bytes }) => sum + bytes, 0) },
    };
  },
};

interface Counted {
  readonly rows: readonly Row[];
  readonly notes: NonNullable<Reading['notes']>;
}

async function sinceReset(source: ReportSource, rows: readonly Row[]): Promise<Counted> {
  const { since } = await statisticsStart(source);
  return {
    rows,
    notes: [`Counted since ${since.toISOString()}, on this server: replicas have counts of their own`],
  };
}

/** What was fetched from tables is not kept; an index that is younger than the window is left out. */
async function between(source: ReportSource, query: ReportQuery, rows: readonly Row[]): Promise<Counted> {
  const window = await historyWindow(source, query);
  const read = await indexesBetween(source, window);
  return {
    rows: rows.flatMap((row) => {
      const { idxScan, idxTupRead, growthBytes } = read.get(row.index) ?? {};
      if (idxScan === undefined || idxTupRead === undefined || growthBytes === undefined) return [];
      return [{ ...row, idxScan, idxTupRead, idxTupFetch: null, growth: growthBytes }];
    }),
    notes: [...window.notes, 'Rows fetched are not kept; sizes and the last scan are those of now'],
  };
}

function rowOf(
  { index, table }: PlacedIndex,
  facts: ReadonlyMap<string, IndexFacts>,
  declared: CatalogueIndex | undefined,
): Row {
  const parts = withParts(index).flatMap(({ oid }) => facts.get(oid) ?? []);
  const lastScans = parts.flatMap(({ lastIdxScan }) => lastIdxScan?.getTime() ?? []);
  return {
    table: table.name,
    index: index.name,
    kind: kindOf(index, facts.get(index.oid)),
    valid: index.valid,
    idxScan: index.idxScan,
    idxTupRead: index.idxTupRead,
    idxTupFetch: parts.reduce((sum, { idxTupFetch }) => sum + idxTupFetch, 0),
    lastIdxScan: lastScans.length === 0 ? null : new Date(Math.max(...lastScans)).toISOString(),
    bytes: index.bytes,
    growth: null,
    serves: declared?.serves ?? keeps(index),
  };
}

/** What a constraint's own index is there for. */
const keeps = ({ constraint }: PlacedIndex['index']): string | null =>
  constraint === undefined ? null : `the constraint ${constraint}`;

function kindOf(index: PlacedIndex['index'], facts: IndexFacts | undefined): string {
  const words = [
    facts?.method ?? '',
    ...(index.unique ? ['unique'] : []),
    ...(facts?.predicate == null ? [] : ['partial']),
    ...(facts === undefined || facts.included.length === 0 ? [] : ['covering']),
    ...(facts?.keyColumns.includes(null) === true ? ['expression'] : []),
  ];
  return words.filter((word) => word !== '').join(', ');
}
