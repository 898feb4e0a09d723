import { formatMilliseconds } from '../../common/figures';
import { statementForm } from '../../database/statement-fingerprint';
import { endPrepared, stopBackend } from './backend-remedies';
import { lockTree, type Placed } from './lock-tree';
import type { Finding, Report } from './report';
import { hiddenActivity, IS_HIDDEN } from './seen-activity';

/** Who waits longer than the default of DB_STATEMENT_TIMEOUT_MS has failed where it is a request of ours. */
const FAILS_REQUESTS_MS = 15_000;

interface Session {
  pid: number;
  kind: string | null;
  blockers: number[];
  state: string | null;
  application: string;
  stateMs: number | null;
  waitingSince: Date | null;
  waitedMs: number | null;
  lock: string | null;
  relation: string | null;
  statement: string | null;
}

/** The state of a session of which PostgreSQL does not show it. */
const HIDDEN = 'hidden';
/** Prepared transactions have no process: PostgreSQL calls all of them 0. */
const PREPARED = 0;

/**
 * `pg_blocking_pids` stops the lock manager for a moment, so only who waits for a lock is asked for: by pg_locks, which
 * hides nothing from anybody. Who waits for a row waits for the transaction that changed it, and holds the lock of the row
 * meanwhile, which tells the table.
 */
const SESSIONS = `
  WITH waiting AS MATERIALIZED (
    SELECT pid, ARRAY(SELECT DISTINCT unnest(pg_blocking_pids(pid)) ORDER BY 1) AS blockers
      FROM pg_stat_activity a
     WHERE datname = current_database() AND EXISTS (SELECT FROM pg_locks l WHERE l.pid = a.pid AND NOT l.granted)),
  involved AS (
    SELECT pid, blockers FROM waiting WHERE cardinality(blockers) > 0
    UNION ALL
    SELECT DISTINCT blocker, ARRAY[]::int[] FROM waiting CROSS JOIN LATERAL unnest(blockers) AS blocker
     WHERE NOT EXISTS (SELECT FROM waiting w WHERE w.pid = blocker AND cardinality(w.blockers) > 0))
  SELECT i.pid, a.backend_type AS kind, i.blockers, CASE WHEN a.hidden THEN '${HIDDEN}' ELSE a.state END AS state,
         CASE WHEN NOT a.hidden THEN a.query END AS statement,
         coalesce(nullif(a.application_name, ''), a.usename::text, a.backend_type, '') AS application,
         (1000 * extract(epoch FROM clock_timestamp() - a.state_change))::float8 AS "stateMs",
         wanted.since AS "waitingSince",
         (1000 * extract(epoch FROM clock_timestamp() - wanted.since))::float8 AS "waitedMs",
         wanted.lock, coalesce(wanted.relation, held.relation) AS relation
    FROM involved i
    LEFT JOIN (
      SELECT pid, application_name, usename, backend_type, state, state_change, query, query_start,
             ${IS_HIDDEN} AS hidden FROM pg_stat_activity) AS a ON a.pid = i.pid
    LEFT JOIN LATERAL (
      SELECT coalesce(l.waitstart, a.query_start) AS since, l.locktype || ' ' || l.mode AS lock,
             l.relation::regclass::text AS relation
        FROM pg_locks l WHERE l.pid = i.pid AND NOT l.granted LIMIT 1) AS wanted ON true
    LEFT JOIN LATERAL (
      SELECT l.relation::regclass::text AS relation
        FROM pg_locks l WHERE l.pid = i.pid AND l.granted AND l.locktype = 'tuple' LIMIT 1) AS held
      ON wanted.lock LIKE 'transactionid %'
   ORDER BY wanted.since NULLS FIRST, i.pid`;

/** Who waits for whom. */
export const locks: Report = {
  name: 'locks',
  title: 'Sessions that wait for locks, and who keeps them waiting',
  meaning:
    'A tree: whoever stands at the top waits for nobody and keeps all below waiting. A session also waits for those that wait before it for the same lock.',
  remedy:
    'Mend what stands at the top: commit, cancel or end it, and the others go on by themselves. Transactions should be short, and migrations take locks with a lock_timeout.',
  columns: [
    { key: 'session', title: 'session', unit: 'text' },
    { key: 'depth', title: 'depth', unit: 'count' },
    { key: 'pid', title: 'pid', unit: 'text' },
    { key: 'blockedBy', title: 'blocked by', unit: 'text' },
    { key: 'waitingSince', title: 'waiting since', unit: 'time' },
    { key: 'waited', title: 'waited', unit: 'milliseconds' },
    { key: 'lock', title: 'lock', unit: 'text' },
    { key: 'relation', title: 'relation', unit: 'text' },
    { key: 'application', title: 'application', unit: 'text' },
    { key: 'state', title: 'state', unit: 'text' },
    { key: 'statement', title: 'statement', unit: 'text' },
  ],
  async read(source) {
    const tree = lockTree(await source.query<Session>(SESSIONS));
    const roots = tree.filter(({ depth }) => depth === 0);
    const prepared = roots.some(({ node }) => node.pid === PREPARED)
      ? await source.query<{ gid: string }>(
          'SELECT quote_literal(gid) AS gid FROM pg_prepared_xacts ORDER BY prepared LIMIT 5',
        )
      : [];
    return {
      rows: tree.map(row),
      findings: roots.map((root) =>
        finding(
          root,
          tree,
          prepared.map(({ gid }) => gid),
        ),
      ),
      notes: await hiddenActivity(source),
      summary: { waiting: tree.filter(({ node }) => node.blockers.length > 0).length, roots: roots.length },
    };
  },
};

const row = ({ node, depth }: Placed<Session>) => ({
  session: `${depth === 0 ? '' : `└${'─'.repeat(depth * 2 - 1)} `}${nameOf(node.pid)}`,
  depth,
  pid: node.pid,
  blockedBy: node.blockers.map(nameOf),
  waitingSince: node.waitingSince?.toISOString() ?? null,
  waited: node.waitedMs,
  lock: node.lock,
  relation: node.relation,
  application: node.application,
  state: node.state,
  statement: node.statement === null ? null : statementForm(node.statement).text,
});

const nameOf = (pid: number): string => (pid === PREPARED ? 'prepared transaction' : String(pid));

function finding(root: Placed<Session>, tree: readonly Placed<Session>[], prepared: string[]): Finding {
  const { pid, state, stateMs, application } = root.node;
  const below = tree.filter((other) => other.root === pid && other !== root).map(({ node }) => node);
  const longest = Math.max(0, ...below.map(({ waitedMs }) => waitedMs ?? 0));
  const doing =
    state === null || state === HIDDEN ? '' : `, ${state} for ${formatMilliseconds(stateMs ?? 0)}`;
  return {
    severity: longest >= FAILS_REQUESTS_MS ? 'critical' : 'warn',
    subject: pid === PREPARED ? 'prepared transaction' : `session ${pid}`,
    detail: `${application === '' ? 'it' : application}${doing} keeps ${below.length} waiting, the longest for ${formatMilliseconds(longest)}`,
    remedy: remedyFor(root.node, prepared),
  };
}

function remedyFor({ pid, kind, state }: Session, prepared: string[]): string {
  if (pid === PREPARED) return prepared.map(endPrepared).join('; ');
  return stopBackend(pid, kind, state !== 'active' && state !== HIDDEN);
}
