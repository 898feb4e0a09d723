import { formatBytes } from '../../common/figures';
import type { LiveIndex } from '../../database/indexes/live-indexes';
import { indexesThatCame } from '../history/index-history';
import {
  dropping,
  readLiveIndexes,
  wholeIndexes,
  withParts,
  type IndexFacts,
  type LiveIndexes,
  type PlacedIndex,
} from './index-facts';
import type { Finding, Report } from './report';
import type { ReportSource } from './report-source';
import { judgedFrom, statisticsStart, tooYoung, type StatisticsStart } from './statistics-age';

/** What is smaller costs writers next to nothing, and may be wanted as soon as its table grows. */
const WORTH_DROPPING_BYTES = 1024 * 1024;

interface Row {
  table: string;
  index: string;
  bytes: number;
  judgement: string;
  /** Of what is not judged yet: when it may be. */
  judgedFrom: string | null;
  serves: string | null;
}

/** An index that nobody has read, and since when that is known. */
interface Unread extends PlacedIndex {
  /** What it does without being read. */
  readonly needed: string | undefined;
  /** Statistics count since then, or it came then. */
  readonly since: Date;
  /** It came after statistics began. */
  readonly came: boolean;
  readonly isJudged: boolean;
  /** The question it is declared for. */
  readonly serves: string | null;
}

/** Indexes that no plan has read. */
export const indexesUnused: Report<keyof Row> = {
  name: 'indexes/unused',
  title: 'Indexes that nobody reads',
  meaning:
    'Indexes that no plan has read since statistics began, or since they were made. Every write keeps them up to date all the same. Those that keep rows unique or belong to a constraint work without being read.',
  remedy:
    'Look at the replicas too; then take the declaration away, let npm run db:generate draft the migration, or DROP INDEX CONCURRENTLY.',
  columns: [
    { key: 'table', title: 'table', unit: 'text' },
    { key: 'index', title: 'index', unit: 'text' },
    { key: 'bytes', title: 'size', unit: 'bytes' },
    { key: 'judgement', title: 'judgement', unit: 'text' },
    { key: 'judgedFrom', title: 'judged from', unit: 'time' },
    { key: 'serves', title: 'serves', unit: 'text' },
  ],
  async read(source) {
    const start = await statisticsStart(source);
    const replicas = await replicaNames(source);
    const live = await readLiveIndexes(source);
    const unread = (await readUnread(source, start, live)).sort(
      (a, b) => needLast(a, b) || b.index.bytes - a.index.bytes,
    );
    return {
      rows: unread.map(rowOf),
      findings: unread
        .filter(({ needed }) => needed === undefined)
        .map((index) => findingOf(index, replicas)),
      notes: [
        tooYoung(start) ?? `Counted since ${start.since.toISOString()}`,
        ...replicaNotes(replicas),
        ...live.notes,
      ],
    };
  },
};

async function readUnread(
  source: ReportSource,
  start: StatisticsStart,
  { tables, facts }: LiveIndexes,
): Promise<Unread[]> {
  const declared = new Map(source.catalogue.map(({ name, serves }) => [name, serves]));
  const unread = wholeIndexes(tables).filter(({ index }) => index.idxScan === 0 && index.valid);
  const came = await indexesThatCame(
    source,
    unread.flatMap(({ index }) => holders(index)).map(({ name }) => name),
  );
  return unread.map((placed) => {
    const made = madeAt(placed.index, came);
    const isYounger = made !== undefined && made > start.since;
    const since = isYounger ? made : start.since;
    return {
      ...placed,
      needed: neededBy(placed, facts),
      since,
      came: isYounger,
      isJudged: judgedFrom(since) <= start.now,
      serves: declared.get(placed.index.name) ?? null,
    };
  });
}

/** What holds the entries: of a partitioned index its parts. */
const holders = (index: LiveIndex): LiveIndex[] => withParts(index).filter(({ partitioned }) => !partitioned);

/** When the oldest part of an index came; undefined where that is older than the history. */
function madeAt(index: LiveIndex, came: ReadonlyMap<string, Date>): Date | undefined {
  const times = holders(index).map(({ name }) => came.get(name)?.getTime());
  const oldest = Math.min(...times.map((time) => time ?? -Infinity));
  return Number.isFinite(oldest) ? new Date(oldest) : undefined;
}

function rowOf({ index, table, needed, isJudged, since, serves }: Unread): Row {
  const isOpen = needed === undefined && !isJudged;
  return {
    table: table.name,
    index: index.name,
    bytes: index.bytes,
    judgement: needed ?? (isJudged ? 'unused' : 'not judged yet'),
    judgedFrom: isOpen ? judgedFrom(since).toISOString() : null,
    serves,
  };
}

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

function findingOf(unread: Unread, replicas: readonly string[]): Finding {
  const { index, table, since, came, isJudged, serves } = unread;
  const there = replicas.length === 0 ? '' : '; whether a replica reads it this server cannot tell';
  const declared = serves === null ? '' : `, though it is declared for "${serves}"`;
  const start = came ? `it was first seen at ${since.toISOString()}` : since.toISOString();
  const read = `on ${table.name} takes ${formatBytes(index.bytes)} and was not read since ${start}${declared}${there}`;
  if (!isJudged) {
    const from = judgedFrom(since).toISOString();
    return {
      severity: 'info',
      subject: index.name,
      detail: `${read}; it is not judged before ${from}`,
      remedy: `Look again after ${from}: jobs of a week have passed then`,
    };
  }
  const isWorthIt = index.bytes >= WORTH_DROPPING_BYTES && replicas.length === 0 && serves === null;
  return {
    severity: isWorthIt ? 'warn' : 'info',
    subject: index.name,
    detail: read,
    remedy:
      serves === null
        ? dropping(index)
        : `See npm run indexes:prove; if nothing asks that any more, take the declaration away and let npm run db:generate draft the migration`,
  };
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
