import { formatBytes } from '../../common/figures';
import {
  dropping,
  readLiveIndexes,
  wholeIndexes,
  withParts,
  type IndexFacts,
  type PlacedIndex,
} from './index-facts';
import type { Finding, Report } from './report';
import type { ReportSource } from './report-source';
import { statisticsStart, tooYoung } from './statistics-age';

/** What is smaller costs writers next to nothing, and may be wanted as soon as its table grows. */
const WORTH_DROPPING_BYTES = 1024 * 1024;

const UNUSED = 'unused';

interface Row {
  table: string;
  index: string;
  bytes: number;
  judgement: string;
  serves: string | null;
}

/** Indexes that no plan has read. */
export const indexesUnused: Report<keyof Row> = {
  name: 'indexes/unused',
  title: 'Indexes that nobody reads',
  meaning:
    'Indexes that no plan has read since statistics began. Every write keeps them up to date all the same. Those that keep rows unique or belong to a constraint work without being read.',
  remedy:
    'Look at the replicas too; then take the declaration away, let npm run db:generate draft the migration, or DROP INDEX CONCURRENTLY.',
  columns: [
    { key: 'table', title: 'table', unit: 'text' },
    { key: 'index', title: 'index', unit: 'text' },
    { key: 'bytes', title: 'size', unit: 'bytes' },
    { key: 'judgement', title: 'judgement', unit: 'text' },
    { key: 'serves', title: 'serves', unit: 'text' },
  ],
  async read(source) {
    const start = await statisticsStart(source);
    const young = tooYoung(start);
    const replicas = await replicaNames(source);
    const { tables, facts } = await readLiveIndexes(source);
    const declared = new Map(source.catalogue.map(({ name, serves }) => [name, serves]));
    const judged = wholeIndexes(tables)
      .filter(({ index }) => index.scans === 0 && index.valid)
      .map((placed) => {
        const needed = neededBy(placed, facts);
        const judgement = needed ?? (young === undefined ? UNUSED : 'not judged yet');
        return { ...placed, needed, judgement, serves: declared.get(placed.index.name) ?? null };
      })
      .sort((a, b) => needLast(a, b) || b.index.bytes - a.index.bytes);
    return {
      rows: judged.map(({ index, table, judgement, serves }) => ({
        table: table.name,
        index: index.name,
        bytes: index.bytes,
        judgement,
        serves,
      })),
      findings: judged.flatMap((row) =>
        row.judgement === UNUSED ? unused(row, row.serves, start.since, replicas) : [],
      ),
      notes: [
        young ??
          `Counted since ${start.since.toISOString()}; an index that was made later was watched for less`,
        ...replicaNotes(replicas),
      ],
    };
  },
};

const needLast = (a: { needed: string | undefined }, b: { needed: string | undefined }): number =>
  Number(a.needed !== undefined) - Number(b.needed !== undefined);

/** What an index does without being read; undefined where it does nothing. */
function neededBy({ index }: PlacedIndex, facts: ReadonlyMap<string, IndexFacts>): string | undefined {
  if (index.constraint !== undefined) return `belongs to the constraint ${index.constraint}`;
  if (index.unique) return 'keeps rows unique';
  if (withParts(index).some(({ oid }) => facts.get(oid)?.reliedOn === true))
    return 'foreign keys or replication rely on it';
  return undefined;
}

function unused(
  { index, table }: PlacedIndex,
  serves: string | null,
  since: Date,
  replicas: readonly string[],
): Finding[] {
  if (index.bytes < WORTH_DROPPING_BYTES) return [];
  const there = replicas.length === 0 ? '' : '; whether a replica reads it this server cannot tell';
  const declared = serves === null ? '' : `, though it is declared for "${serves}"`;
  return [
    {
      severity: replicas.length === 0 && serves === null ? 'warn' : 'info',
      subject: index.name,
      detail: `on ${table.name} takes ${formatBytes(index.bytes)} and was not read since ${since.toISOString()}${declared}${there}`,
      remedy:
        serves === null
          ? dropping(index)
          : `See npm run indexes:prove; if nothing asks that any more, take the declaration away and let npm run db:generate draft the migration`,
    },
  ];
}

/** Standbys that are connected, and those that a slot is kept for. */
async function replicaNames(source: ReportSource): Promise<string[]> {
  const rows = await source.query<{ name: string }>(
    `SELECT coalesce(nullif(application_name, ''), 'unnamed') AS name FROM pg_stat_replication
      UNION SELECT slot_name::text FROM pg_replication_slots WHERE slot_type = 'physical'
      ORDER BY name`,
  );
  return rows.map(({ name }) => name);
}

const replicaNotes = (replicas: readonly string[]): string[] =>
  replicas.length === 0
    ? []
    : [
        `Replicas have statistics of their own (${replicas.join(', ')}): ask pg_stat_user_indexes there before anything is dropped`,
      ];
