import { formatBytes } from '../../common/figures';
import { LOCKED_RELATIONS } from '../../database/indexes/locked-relations';
import { historyWindow, looksBack } from '../history/history-window';
import { spaceBetween } from '../history/server-history';
import { tablesBetween } from '../history/table-history';
import type { Finding, Report, ReportQuery } from './report';
import type { ReportSource } from './report-source';

/** WAL goes beyond max_wal_size under load for a while; beyond twice of it something keeps it. */
const KEPT_WAL = 2;

interface Row {
  kind: 'database' | 'table' | 'WAL' | 'catalogues';
  name: string;
  partitions: number | null;
  /** Null while somebody keeps everyone out of it or of a part of it, as the parts of it below. */
  bytes: number | null;
  growth: number | null;
  rowsBytes: number | null;
  indexBytes: number | null;
  toastBytes: number | null;
  share: number | null;
}

/** What is locked cannot be measured: asking for its size would wait. */
const OBJECTS = `
  WITH RECURSIVE locked AS MATERIALIZED (${LOCKED_RELATIONS}),
  member AS (
    SELECT c.oid, c.oid AS top, c.relkind, c.reltoastrelid, c.relnamespace FROM pg_class c
     WHERE c.relkind IN ('r', 'p', 'm') AND NOT c.relispartition AND c.relpersistence <> 't'
    UNION ALL
    SELECT c.oid, m.top, c.relkind, c.reltoastrelid, m.relnamespace FROM member m
      JOIN pg_inherits h ON h.inhparent = m.oid JOIN pg_class c ON c.oid = h.inhrelid AND c.relispartition),
  judged AS MATERIALIZED (
    SELECT m.oid, m.top, m.relkind, m.reltoastrelid,
           m.relnamespace = ANY (ARRAY['pg_catalog', 'information_schema']::regnamespace[]) AS is_system,
           NOT EXISTS (SELECT FROM locked l
                        WHERE l.relation = m.oid OR l.relation = m.reltoastrelid
                           OR EXISTS (SELECT FROM pg_index i
                                       WHERE i.indrelid IN (m.oid, m.reltoastrelid) AND i.indexrelid = l.relation))
             AS open
      FROM member m),
  sized AS (
    SELECT oid, top, relkind, is_system, open,
           CASE WHEN open THEN pg_total_relation_size(oid) END AS bytes,
           CASE WHEN open THEN pg_indexes_size(oid) END AS indexes,
           CASE WHEN reltoastrelid = 0 THEN 0 WHEN open THEN pg_total_relation_size(reltoastrelid) END AS toast
      FROM judged),
  object AS (
    SELECT CASE WHEN is_system THEN 'catalogues' ELSE 'table' END AS kind,
           CASE WHEN is_system THEN 'of PostgreSQL' ELSE top::regclass::text END AS name,
           CASE WHEN NOT is_system AND bool_or(oid <> top) THEN count(*) FILTER (WHERE relkind <> 'p') END::int AS partitions,
           CASE WHEN bool_and(open) THEN sum(bytes) END::float8 AS bytes,
           CASE WHEN bool_and(open) THEN sum(bytes - indexes - toast) END::float8 AS "rowsBytes",
           CASE WHEN bool_and(open) THEN sum(indexes) END::float8 AS "indexBytes",
           CASE WHEN bool_and(open) THEN sum(toast) END::float8 AS "toastBytes"
      FROM sized GROUP BY 1, 2, is_system),
  whole AS (SELECT pg_database_size(current_database())::float8 AS bytes)
  SELECT o.kind, o.name, o.partitions, o.bytes, NULL::float8 AS growth, o."rowsBytes", o."indexBytes", o."toastBytes",
         o.bytes / nullif(whole.bytes, 0) AS share
    FROM object o CROSS JOIN whole
  UNION ALL
  SELECT 'database', current_database(), NULL, bytes, NULL, NULL, NULL, NULL, NULL FROM whole`;

const MAY_SEE_WAL = `SELECT has_function_privilege('pg_ls_waldir()', 'EXECUTE') AS may`;
const WAL = `
  SELECT coalesce((SELECT sum(size) FROM pg_ls_waldir()), 0)::float8 AS bytes,
         pg_size_bytes(current_setting('max_wal_size'))::float8 AS most`;

/** What takes room on the disk. */
export const space: Report<keyof Row> = {
  name: 'space',
  title: 'What takes room, the biggest first',
  meaning:
    'The database, its tables with their partitions, indexes and TOAST (long values, kept apart), and the WAL of the whole server. The share is that of the database; growth is told of a span of time (from and to).',
  remedy:
    'Rows that are dead or empty: bloat. Indexes that nobody reads: indexes/unused. Old partitions can be detached. WAL that stays is kept by a slot (replication) or by an archive_command that fails.',
  hasHistory: true,
  columns: [
    { key: 'kind', title: 'kind', unit: 'text' },
    { key: 'name', title: 'name', unit: 'text' },
    { key: 'partitions', title: 'partitions', unit: 'count' },
    { key: 'bytes', title: 'size', unit: 'bytes' },
    { key: 'growth', title: 'growth', unit: 'bytes' },
    { key: 'rowsBytes', title: 'of rows', unit: 'bytes' },
    { key: 'indexBytes', title: 'of indexes', unit: 'bytes' },
    { key: 'toastBytes', title: 'of TOAST', unit: 'bytes' },
    { key: 'share', title: 'share', unit: 'ratio' },
  ],
  async read(source, query) {
    const objects = await source.query<Row>(OBJECTS);
    const wal = await readWal(source);
    const growth = looksBack(query) ? await readGrowth(source, query) : undefined;
    const rows = wal === undefined ? objects : [...objects, walRow(wal.bytes)];
    return {
      rows: rows
        .map((row) => ({ ...row, growth: growth?.of(row) ?? null }))
        .toSorted((a, b) => (b.growth ?? 0) - (a.growth ?? 0) || (b.bytes ?? 0) - (a.bytes ?? 0)),
      findings: wal === undefined ? [] : keptWal(wal),
      notes: [
        ...(growth?.notes ?? []),
        ...notesOnUnmeasured(objects),
        ...(wal === undefined
          ? ['the size of the WAL is not shown: GRANT pg_monitor TO the role that reads this report']
          : []),
      ],
      ...(growth && { summary: { walWrittenBytes: growth.walBytes } }),
    };
  },
};

function notesOnUnmeasured(objects: readonly Row[]): string[] {
  const names = objects.filter(({ bytes }) => bytes === null).map(({ name }) => name);
  if (names.length === 0) return [];
  return [`Somebody keeps everyone else out of ${names.join(', ')}, whose size is not shown: look at locks`];
}

interface Growth {
  readonly notes: readonly string[];
  readonly walBytes: number;
  of(row: Row): number | null;
}

/** Catalogues, and tables of other schemas, have no history; of the WAL it is told what was written. */
async function readGrowth(source: ReportSource, query: ReportQuery): Promise<Growth> {
  const window = await historyWindow(source, query);
  const grown = await tablesBetween(source, window);
  const { databaseBytes, walBytes } = await spaceBetween(source, window);
  const of = ({ kind, name }: Row): number | null => {
    if (kind === 'database') return databaseBytes;
    return kind === 'table' ? (grown.get(name)?.growthBytes ?? null) : null;
  };
  return { notes: window.notes, walBytes, of };
}

interface Wal {
  readonly bytes: number;
  readonly most: number;
}

async function readWal(source: ReportSource): Promise<Wal | undefined> {
  const [right] = await source.query<{ may: boolean }>(MAY_SEE_WAL);
  return right?.may === true ? (await source.query<Wal>(WAL))[0] : undefined;
}

const walRow = (bytes: number): Row => ({
  kind: 'WAL',
  name: 'of the server',
  partitions: null,
  bytes,
  growth: null,
  rowsBytes: null,
  indexBytes: null,
  toastBytes: null,
  share: null,
});

function keptWal({ bytes, most }: Wal): Finding[] {
  if (bytes < KEPT_WAL * most) return [];
  return [
    {
      severity: 'warn',
      subject: 'WAL',
      detail: `${formatBytes(bytes)} of WAL are kept, and max_wal_size is ${formatBytes(most)}`,
      remedy:
        'npm run db:report -- replication shows slots that keep it; see pg_stat_archiver for an archive_command that fails',
    },
  ];
}
