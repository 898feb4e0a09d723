import { formatBytes } from '../../common/figures';
import { withPartitions, type LiveIndex, type LiveTable } from '../../database/indexes/live-indexes';
import { dropping, readLiveIndexes } from './index-facts';
import type { Finding, Report } from './report';
import type { ReportSource } from './report-source';

interface Row {
  table: string;
  index: string;
  state: string;
  written: boolean;
  bytes: number;
  pid: number | null;
  builder: string | null;
  phase: string | null;
  progress: number | null;
  seconds: number | null;
}

/** Who builds an index now. */
interface Build {
  readonly oid: string;
  readonly pid: number;
  readonly builder: string;
  readonly phase: string;
  readonly progress: number | null;
  readonly seconds: number | null;
}

/** What a REINDEX CONCURRENTLY keeps beside the index that serves: its name ends so. */
const OF_A_REBUILD = /_cc(?:new|old)\d*$/;

/** Indexes that no question may use. */
export const indexesInvalid: Report<keyof Row> = {
  name: 'indexes/invalid',
  title: 'Invalid indexes, and who builds them',
  meaning:
    'No question uses an invalid index, while writers may already keep it up to date. It is one that is being built, or what a build left behind that did not finish, or that of a partitioned table of which a partition lacks its part.',
  remedy:
    'Wait for a build; what was left behind is dropped and built again by npm run db:indexes, which goes on where a build broke off.',
  columns: [
    { key: 'table', title: 'table', unit: 'text' },
    { key: 'index', title: 'index', unit: 'text' },
    { key: 'state', title: 'state', unit: 'text' },
    { key: 'written', title: 'written to', unit: 'flag' },
    { key: 'bytes', title: 'size', unit: 'bytes' },
    { key: 'pid', title: 'pid', unit: 'text' },
    { key: 'builder', title: 'built by', unit: 'text' },
    { key: 'phase', title: 'phase', unit: 'text' },
    { key: 'progress', title: 'of this phase', unit: 'ratio' },
    { key: 'seconds', title: 'since', unit: 'seconds' },
  ],
  async read(source) {
    const builds = new Map((await readBuilds(source)).map((build) => [build.oid, build]));
    const { tables, notes } = await readLiveIndexes(source);
    const declared = new Set(source.catalogue.map(({ name }) => name));
    const invalid = tables
      .flatMap(withPartitions)
      .flatMap((table) => table.indexes.filter(({ valid }) => !valid).map((index) => ({ table, index })));
    return {
      rows: invalid.map(({ table, index }) => rowOf(table, index, builds.get(index.oid))),
      findings: invalid.flatMap(({ table, index }) =>
        stateOf(index, builds.get(index.oid)) === 'being built' ? [] : [findingOf(table, index, declared)],
      ),
      notes,
    };
  },
};

/** Builds of this database, as its server tells of them. */
const readBuilds = (source: ReportSource): Promise<Build[]> =>
  source.query<Build>(
    `SELECT p.index_relid::text AS oid, p.pid,
            concat_ws(' ', a.usename, nullif(a.application_name, '')) AS builder, p.phase,
            CASE WHEN p.blocks_total > 0 THEN p.blocks_done::float8 / p.blocks_total
                 ELSE p.tuples_done::float8 / nullif(p.tuples_total, 0) END AS progress,
            extract(epoch FROM clock_timestamp() - a.query_start)::float8 AS seconds
       FROM pg_stat_progress_create_index p LEFT JOIN pg_stat_activity a ON a.pid = p.pid
      WHERE p.datname = current_database() AND p.index_relid <> 0`,
  );

function stateOf(index: LiveIndex, build: Build | undefined): string {
  if (build !== undefined || index.builtBy !== undefined) return 'being built';
  return index.partitioned ? 'lacks parts' : 'left behind';
}

function rowOf(table: LiveTable, index: LiveIndex, build: Build | undefined): Row {
  return {
    table: table.name,
    index: index.name,
    state: stateOf(index, build),
    written: index.ready,
    bytes: index.bytes,
    pid: build?.pid ?? index.builtBy ?? null,
    builder: build?.builder ?? null,
    phase: build?.phase ?? null,
    progress: build?.progress ?? null,
    seconds: build?.seconds ?? null,
  };
}

function findingOf(table: LiveTable, index: LiveIndex, declared: ReadonlySet<string>): Finding {
  const cost = index.ready ? `, and costs every writer (${formatBytes(index.bytes)})` : '';
  return {
    severity: 'critical',
    subject: index.name,
    detail: index.partitioned
      ? `on ${table.name} is INVALID: a partition lacks its part, and no question uses the whole for it`
      : `on ${table.name} is INVALID and nobody builds it: a build did not finish; it serves no question${cost}`,
    remedy:
      declared.has(index.name) || OF_A_REBUILD.test(index.name)
        ? 'Run npm run db:indexes'
        : `${dropping(index)}; if it was to be unique, look for rows that are there twice first`,
  };
}
