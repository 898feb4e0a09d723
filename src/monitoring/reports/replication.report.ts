import { formatBytes, formatMilliseconds } from '../../common/figures';
import type { Finding, Report } from './report';
import type { ReportSource } from './report-source';
import { hiddenActivity } from './seen-activity';

/** The default of DB_REPLICA_MAX_LAG_MS: a replica that is further behind is not asked any more. */
const LATE_MS = 10_000;
/** What a slot keeps beyond max_wal_size, or has lost already (pg_replication_slots.wal_status). */
const BEYOND_LIMITS = new Set(['extended', 'unreserved', 'lost']);
const INVALIDATION_SINCE = 170_000;

interface Row {
  kind: 'standby' | 'slot' | 'receiver';
  name: string;
  client: string | null;
  state: string;
  sync: string | null;
  active: boolean;
  behindBytes: number | null;
  behindMs: number | null;
  retainedBytes: number | null;
  walStatus: string | null;
  horizonAge: number | null;
}

const WRITTEN = 'CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END';

/** Followers of this server, its slots, and, on a standby, what it follows itself. */
const replicationSql = (version: number): string => `
  SELECT 'standby' AS kind, coalesce(nullif(r.application_name, ''), r.pid::text) AS name,
         host(r.client_addr) AS client, coalesce(r.state, 'hidden') AS state, r.sync_state AS sync, true AS active,
         pg_wal_lsn_diff(${WRITTEN}, r.replay_lsn)::float8 AS "behindBytes",
         (1000 * extract(epoch FROM r.replay_lag))::float8 AS "behindMs", NULL::float8 AS "retainedBytes",
         NULL AS "walStatus", age(r.backend_xmin) AS "horizonAge"
    FROM pg_stat_replication r
  UNION ALL
  SELECT 'slot', s.slot_name::text, NULL,
         concat_ws(', ', s.slot_type, s.plugin${version >= INVALIDATION_SINCE ? ", 'invalid: ' || s.invalidation_reason" : ''}),
         NULL, s.active, NULL, NULL, pg_wal_lsn_diff(${WRITTEN}, s.restart_lsn)::float8, s.wal_status,
         greatest(age(s.xmin), age(s.catalog_xmin))
    FROM pg_replication_slots s WHERE NOT s.temporary
  UNION ALL
  SELECT 'receiver', coalesce(w.sender_host, ''), NULL, w.status, NULL, true,
         pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())::float8,
         (1000 * extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()))::float8, NULL, NULL, NULL
    FROM pg_stat_wal_receiver w
   ORDER BY kind, "retainedBytes" DESC NULLS LAST, "behindBytes" DESC NULLS LAST, name`;

/** Standbys, and what the server keeps for those that are away. */
export const replication: Report<keyof Row> = {
  name: 'replication',
  title: 'Standbys and replication slots',
  meaning:
    'A standby is behind by what it has not replayed yet. A slot keeps all WAL from the point where its reader stopped, and keeps vacuum from what that reader may still need ("horizon age"): nobody reading it, the disk fills up.',
  remedy:
    'Bring the reader of a slot back, or drop the slot; max_slot_wal_keep_size bounds what slots may keep. Where a standby is late look at its disk, its network and long queries on it.',
  columns: [
    { key: 'kind', title: 'kind', unit: 'text' },
    { key: 'name', title: 'name', unit: 'text' },
    { key: 'client', title: 'client', unit: 'text' },
    { key: 'state', title: 'state', unit: 'text' },
    { key: 'sync', title: 'sync', unit: 'text' },
    { key: 'active', title: 'active', unit: 'flag' },
    { key: 'behindBytes', title: 'behind', unit: 'bytes' },
    { key: 'behindMs', title: 'behind', unit: 'milliseconds' },
    { key: 'retainedBytes', title: 'WAL kept', unit: 'bytes' },
    { key: 'walStatus', title: 'WAL status', unit: 'text' },
    { key: 'horizonAge', title: 'horizon age', unit: 'count' },
  ],
  async read(source) {
    const rows = await source.query<Row>(replicationSql(source.serverVersion));
    return {
      rows,
      findings: rows.flatMap((row) => (row.kind === 'slot' ? ofSlot(row) : ofFollower(row))),
      notes: [...(await notes(source, rows)), ...(await hiddenActivity(source))],
    };
  },
};

function ofSlot({ name, active, retainedBytes, walStatus, state }: Row): Finding[] {
  const beyond = BEYOND_LIMITS.has(walStatus ?? '');
  if (active && (!beyond || walStatus === 'extended')) return [];
  const kept =
    retainedBytes === null ? 'keeps no WAL' : `keeps ${formatBytes(Math.max(0, retainedBytes))} of WAL`;
  const status = walStatus === null ? '' : `, which is ${walStatus}`;
  return [
    {
      severity: beyond ? 'critical' : 'warn',
      subject: name,
      detail: `the ${state} slot is ${active ? 'read, but late' : 'read by nobody'} and ${kept}${status}`,
      remedy: `bring its reader back, or SELECT pg_drop_replication_slot('${name}')`,
    },
  ];
}

function ofFollower({ kind, name, state, behindMs, behindBytes }: Row): Finding[] {
  // On an idle primary a standby has replayed all there is, however long ago that was.
  const isLate = (behindMs ?? 0) >= LATE_MS && (behindBytes ?? 0) > 0;
  if (isLate)
    return [
      {
        severity: 'warn',
        subject: name,
        detail: `the ${kind} is ${formatMilliseconds(behindMs ?? 0)} and ${formatBytes(behindBytes ?? 0)} behind`,
        remedy:
          'look at its disk and network and at long queries on it; DB_REPLICA_MAX_LAG_MS says from when on it is not asked',
      },
    ];
  // Hidden from who lacks pg_read_all_stats, which a note says.
  if (state === 'streaming' || state === 'backup' || state === 'hidden') return [];
  return [
    {
      severity: 'info',
      subject: name,
      detail: `the ${kind} does not stream: its state is ${state}`,
      remedy: 'wait until it has caught up; if it does not, its own log says why',
    },
  ];
}

async function notes(source: ReportSource, rows: readonly Row[]): Promise<string[]> {
  const [server] = await source.query<{ level: string; keep: string; standby: boolean }>(
    `SELECT current_setting('wal_level') AS level, current_setting('max_slot_wal_keep_size') AS keep,
            pg_is_in_recovery() AS standby`,
  );
  return [
    ...(rows.length === 0 ? ['nothing follows this server, and it has no slots'] : []),
    ...(server?.level === 'minimal' ? ['wal_level is minimal: nothing can follow this server'] : []),
    ...(server?.keep === '-1' ? ['max_slot_wal_keep_size is -1: slots may fill the disk'] : []),
    ...(server?.standby === true ? ['this server is a standby itself'] : []),
  ];
}
