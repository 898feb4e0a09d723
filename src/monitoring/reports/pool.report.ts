import type { PoolState } from '../../database/database.service';
import type { Finding, Report } from './report';
import { hiddenActivity, IS_CLIENT, IS_HIDDEN } from './seen-activity';
import { ELSEWHERE, serverMachine, type ServerMachine } from './server-machine';

/** One disk, or a solid-state one, which serves many requests at once and counts as one (PostgreSQL wiki). */
const SPINDLES = 1;

interface Row {
  pool: string;
  client: string;
  total: number;
  active: number;
  idle: number;
  idleInTransaction: number | null;
  hidden: number | null;
  waiting: number | null;
  limit: number | null;
}

/** Whether the pool is large enough, and not too large. */
export const pool: Report<keyof Row> = {
  name: 'pool',
  title: 'Connection pools',
  meaning:
    'The pool of the process that answers, then what PostgreSQL sees of every application that uses this database, that process included. "waiting" counts who waits for a connection of the pool: it should be 0. More connections at work than cores × 2 + spindles only wait for one another inside PostgreSQL.',
  remedy:
    'Where somebody waits, first look at npm run db:report -- long-running and locks for what holds the connections; raise DB_POOL_MAX only while all processes together stay below max_connections.',
  columns: [
    { key: 'pool', title: 'pool', unit: 'text' },
    { key: 'client', title: 'client', unit: 'text' },
    { key: 'total', title: 'connections', unit: 'count' },
    { key: 'active', title: 'active', unit: 'count' },
    { key: 'idle', title: 'idle', unit: 'count' },
    { key: 'idleInTransaction', title: 'idle in transaction', unit: 'count' },
    { key: 'hidden', title: 'hidden', unit: 'count' },
    { key: 'waiting', title: 'waiting', unit: 'count' },
    { key: 'limit', title: 'DB_POOL_MAX', unit: 'count' },
  ],
  async read(source) {
    const own = source.pool;
    const others = await source.query<Row>(
      `SELECT coalesce(nullif(application_name, ''), '(unnamed)') AS pool,
              CASE WHEN ${IS_HIDDEN} THEN 'hidden' ELSE coalesce(host(client_addr), 'local') END AS client,
              count(*)::int AS total,
              count(*) FILTER (WHERE state IN ('active', 'fastpath function call'))::int AS active,
              count(*) FILTER (WHERE state = 'idle')::int AS idle,
              count(*) FILTER (WHERE state LIKE 'idle in transaction%')::int AS "idleInTransaction",
              count(*) FILTER (WHERE ${IS_HIDDEN})::int AS hidden, NULL AS waiting, NULL AS "limit"
         FROM pg_stat_activity
        WHERE ${IS_CLIENT} AND datname = current_database() AND pid <> pg_backend_pid()
        GROUP BY 1, 2 ORDER BY total DESC, 1, 2`,
    );
    const machine = await serverMachine(source);
    return {
      rows: own === undefined ? others : [ownRow(own), ...others],
      findings: own === undefined ? [] : [...waitingFor(own), ...tooLarge(own, machine)],
      notes: [...notes(own, machine), ...(await hiddenActivity(source))],
      summary: { ...figures(own), rule: rule(machine) ?? null, cores: machine?.cores ?? null },
    };
  },
};

/** Connections that a machine keeps at work (PostgreSQL wiki, "Number Of Database Connections"). */
const rule = (machine: ServerMachine | undefined): number | undefined =>
  machine && machine.cores * 2 + SPINDLES;

const ownRow = ({ total, idle, waiting, limit }: PoolState): Row => ({
  pool: 'of this process',
  client: 'this process',
  total,
  active: total - idle,
  idle,
  idleInTransaction: null,
  hidden: null,
  waiting,
  limit,
});

const figures = (own: PoolState | undefined): Record<string, number> =>
  own === undefined
    ? {}
    : {
        total: own.total,
        active: own.total - own.idle,
        idle: own.idle,
        waiting: own.waiting,
        limit: own.limit,
      };

function waitingFor({ total, idle, waiting, limit }: PoolState): Finding[] {
  if (waiting === 0) return [];
  const taken = `${total - idle} of ${limit} connections are taken`;
  return [
    {
      severity: waiting > limit ? 'critical' : 'warn',
      subject: 'pool of this process',
      detail: `${waiting} ${waiting === 1 ? 'waits' : 'wait'} for a connection while ${taken}`,
      remedy:
        'npm run db:report -- long-running and locks show what holds them; if all of them are at work and the machine has cores to spare, raise DB_POOL_MAX',
    },
  ];
}

/** More than the machine keeps at work does no harm while it is not used, so it is no warning. */
function tooLarge({ limit }: PoolState, machine: ServerMachine | undefined): Finding[] {
  const best = rule(machine);
  if (machine === undefined || best === undefined || limit <= best) return [];
  return [
    {
      severity: 'info',
      subject: 'DB_POOL_MAX',
      detail: `${limit} connections are more than ${machine.cores} cores × 2 + ${SPINDLES} = ${best}, which this machine keeps at work`,
      remedy: `DB_POOL_MAX=${best} lets requests wait in the process, where waiting costs less than in PostgreSQL`,
    },
  ];
}

function notes(own: PoolState | undefined, machine: ServerMachine | undefined): string[] {
  return [
    ...(own === undefined
      ? [
          'no server runs in this process, so there is no pool of its own: GET /api/admin/db/pool of a server shows its',
        ]
      : []),
    ...(machine === undefined ? [`${ELSEWHERE}: the rule cores × 2 + spindles is not reckoned`] : []),
  ];
}
