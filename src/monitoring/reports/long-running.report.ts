import { formatMilliseconds } from '../../common/figures';
import { statementForm } from '../../database/statement-fingerprint';
import { cancelStatement, endPrepared, endSession } from './backend-remedies';
import type { Finding, Report } from './report';
import { hiddenActivity } from './seen-activity';

/** Nothing that a request asks for takes so long: it is the last bucket of database_query_duration_seconds. */
const LONG_MS = 5_000;
/** So long our own sessions may be idle in a transaction before the server ends them; a minute also keeps vacuum back. */
const TOO_LONG_MS = 60_000;
/** What takes its time by its nature, and is started by people or jobs. */
const UPKEEP = /^\s*(?:VACUUM|ANALYZE|REINDEX|CLUSTER|CREATE (?:UNIQUE )?INDEX|COPY)\b/i;

type Kind = 'statement' | 'transaction' | 'idle in transaction' | 'prepared transaction';

interface Found {
  pid: number | null;
  kind: Kind;
  since: Date;
  duration: number;
  transaction: number | null;
  application: string;
  client: string;
  role: string;
  wait: string | null;
  snapshotAge: number | null;
  statement: string | null;
}

/**
 * A session once, by what says most of it: the statement that takes long, else that it does nothing, else its
 * transaction of many statements. `$1` in milliseconds.
 */
const LONG = `
  WITH session AS (
    SELECT pid, query, query_start, xact_start, state_change, application_name, client_addr, usename, wait_event_type,
           wait_event, backend_xid, backend_xmin,
           1000 * extract(epoch FROM clock_timestamp() - query_start) AS statement_ms,
           1000 * extract(epoch FROM clock_timestamp() - state_change) AS state_ms,
           1000 * extract(epoch FROM clock_timestamp() - xact_start) AS transaction_ms,
           state LIKE 'idle in transaction%' AS is_idle
      FROM pg_stat_activity
     WHERE backend_type = 'client backend' AND datname = current_database() AND pid <> pg_backend_pid()
       AND xact_start IS NOT NULL),
  judged AS (
    SELECT pid, query, query_start, xact_start, state_change, application_name, client_addr, usename, wait_event_type,
           wait_event, backend_xid, backend_xmin,
           statement_ms, state_ms, transaction_ms, is_idle,
           CASE WHEN NOT is_idle AND statement_ms >= $1 THEN 'statement'
                   WHEN is_idle AND state_ms >= $1 THEN 'idle in transaction'
                   ELSE 'transaction' END AS kind
      FROM session WHERE transaction_ms >= $1)
  SELECT pid, kind, query AS statement,
         CASE kind WHEN 'statement' THEN query_start WHEN 'transaction' THEN xact_start ELSE state_change END AS since,
         (CASE kind WHEN 'statement' THEN statement_ms WHEN 'transaction' THEN transaction_ms
                    ELSE state_ms END)::float8 AS duration,
         transaction_ms::float8 AS transaction, coalesce(nullif(application_name, ''), '(unnamed)') AS application,
         coalesce(host(client_addr), 'local') AS client, coalesce(usename::text, '') AS role,
         CASE WHEN NOT is_idle THEN wait_event_type || ': ' || wait_event END AS wait,
         greatest(age(backend_xid), age(backend_xmin)) AS "snapshotAge"
    FROM judged
  UNION ALL
  SELECT NULL, 'prepared transaction', quote_literal(gid), prepared,
         (1000 * extract(epoch FROM clock_timestamp() - prepared))::float8,
         (1000 * extract(epoch FROM clock_timestamp() - prepared))::float8, '', '', owner::text, NULL,
         age(transaction)
    FROM pg_prepared_xacts
   WHERE database = current_database() AND prepared < clock_timestamp() - make_interval(secs => $1 / 1000.0)
   ORDER BY duration DESC, pid`;

/** What runs, or stands still, for too long. */
export const longRunning: Report<keyof Found> = {
  name: 'long-running',
  title: `Statements and transactions that take longer than ${formatMilliseconds(LONG_MS)}`,
  meaning:
    'An open transaction holds its locks and keeps vacuum from removing what was deleted since it began, whether it works or not. "snapshot age" counts the transactions since then.',
  remedy:
    'Cancel or end it, then mend whoever left it: DB_STATEMENT_TIMEOUT_MS ends statements of this application; give roles of people ALTER ROLE … SET idle_in_transaction_session_timeout.',
  columns: [
    { key: 'pid', title: 'pid', unit: 'text' },
    { key: 'kind', title: 'what', unit: 'text' },
    { key: 'duration', title: 'for', unit: 'milliseconds' },
    { key: 'since', title: 'since', unit: 'time' },
    { key: 'transaction', title: 'transaction', unit: 'milliseconds' },
    { key: 'snapshotAge', title: 'snapshot age', unit: 'count' },
    { key: 'application', title: 'application', unit: 'text' },
    { key: 'client', title: 'client', unit: 'text' },
    { key: 'role', title: 'role', unit: 'text' },
    { key: 'wait', title: 'waits for', unit: 'text' },
    { key: 'statement', title: 'statement', unit: 'text' },
  ],
  async read(source) {
    const found = await source.query<Found>(LONG, [LONG_MS]);
    return { rows: found.map(row), findings: found.map(finding), notes: await hiddenActivity(source) };
  },
};

const row = (found: Found) => ({
  ...found,
  since: found.since.toISOString(),
  statement:
    found.statement === null || found.kind === 'prepared transaction'
      ? found.statement
      : statementForm(found.statement).text,
});

function finding(found: Found): Finding {
  const { pid, kind, duration, application, role, statement } = found;
  const who = application === '' ? role : `${application} as ${role}`;
  return {
    severity: isUpkeep(found) ? 'info' : duration >= TOO_LONG_MS ? 'critical' : 'warn',
    subject: pid === null ? `prepared transaction ${statement ?? ''}` : `session ${pid}`,
    detail: `${who}: ${kind} for ${formatMilliseconds(duration)}`,
    remedy: remedyFor(found),
  };
}

const isUpkeep = ({ kind, statement }: Found): boolean =>
  kind === 'statement' && UPKEEP.test(statement ?? '');

function remedyFor(found: Found): string {
  const { pid, kind, statement } = found;
  if (pid === null) return endPrepared(statement ?? '');
  if (kind !== 'statement') return endSession(pid);
  return isUpkeep(found)
    ? `npm run db:report -- vacuum shows how far it is; ${cancelStatement(pid)}`
    : cancelStatement(pid);
}
