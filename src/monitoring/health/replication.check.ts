import { formatBytes, formatMilliseconds } from '../../common/figures';
import type { ReplicaCount } from '../../database/replicas';
import type { HealthSource } from './health-checks';
import type { PartHealth } from './part-health';

interface Standby {
  name: string;
  /** Null where the owner may not see it. */
  state: string | null;
  behindBytes: number | null;
  behindMs: number | null;
}

const STANDBYS = `
  SELECT coalesce(nullif(application_name, ''), pid::text) AS name, state,
         pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END,
                         replay_lsn)::float8 AS "behindBytes",
         (1000 * extract(epoch FROM replay_lag))::float8 AS "behindMs"
    FROM pg_stat_replication WHERE state IS DISTINCT FROM 'backup' ORDER BY name`;

/**
 * Whether the replicas of this process are used, and how far the standbys of the primary are behind.
 * @param maxLagMs DB_REPLICA_MAX_LAG_MS
 */
export async function replicationHealth(
  { used, leftOut }: ReplicaCount,
  maxLagMs: number,
  source: HealthSource,
): Promise<PartHealth> {
  const standbys = await source.query<Standby>(STANDBYS);
  const late = standbys.filter(
    ({ behindMs, behindBytes }) => (behindMs ?? 0) >= maxLagMs && (behindBytes ?? 0) > 0,
  );
  const behind = standbys.map(({ behindMs }) => behindMs ?? 0);
  const told = {
    detail: [replicas(used, leftOut), ...standbys.map(lagOf)].join('; '),
    figures: {
      used,
      leftOut,
      standbys: standbys.length,
      ...(standbys.length > 0 && { lagMs: Math.max(...behind) }),
    },
  };
  if (leftOut === 0 && late.length === 0) return { status: 'up', ...told };
  return {
    status: 'degraded',
    ...told,
    remedy:
      'The primary answers instead meanwhile. The log says why a replica is left out, GET /api/admin/db/replication how each standby does: look at its disk, its network and long queries on it.',
  };
}

function replicas(used: number, leftOut: number): string {
  if (used + leftOut === 0) return 'No replicas are configured';
  const all = `${used} of ${used + leftOut} replicas ${used === 1 ? 'is' : 'are'} used`;
  return leftOut === 0 ? all : `${all}, ${leftOut} left out`;
}

function lagOf({ name, state, behindBytes, behindMs }: Standby): string {
  if (state === null) return `the standby ${name} is connected, and only a role with pg_monitor sees its lag`;
  // On an idle primary a standby that has everything has no lag.
  const time = behindMs === null ? '' : ` and ${formatMilliseconds(behindMs)}`;
  return `the standby ${name} (${state}) is ${formatBytes(Math.max(0, behindBytes ?? 0))}${time} behind`;
}
