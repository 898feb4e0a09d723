import { formatMilliseconds } from '../../common/figures';
import { statementForm } from '../../database/statement-fingerprint';
import { cancelStatement, endSession } from './backend-remedies';
import type { Finding, Report } from './report';
import { hiddenActivity, IS_CLIENT, IS_HIDDEN } from './seen-activity';

/** What somebody waits for so long he notices; many of them at once use the connections up. */
const NOTICED_MS = 1_000;

interface Row {
  pid: number;
  state: string;
  stateMs: number | null;
  transactionMs: number | null;
  role: string;
  application: string;
  client: string;
  wait: string | null;
  statement: string | null;
}

/** What a session waits for is told while it is at work: the others wait for their client. */
const SESSIONS = `
  SELECT pid, CASE WHEN ${IS_HIDDEN} THEN 'hidden' ELSE coalesce(state, 'unknown') END AS state,
         (1000 * extract(epoch FROM clock_timestamp() - state_change))::float8 AS "stateMs",
         (1000 * extract(epoch FROM clock_timestamp() - xact_start))::float8 AS "transactionMs",
         coalesce(usename::text, '') AS role, coalesce(nullif(application_name, ''), '(unnamed)') AS application,
         CASE WHEN ${IS_HIDDEN} THEN 'hidden' ELSE coalesce(host(client_addr), 'local') END AS client,
         CASE WHEN state NOT LIKE 'idle%' THEN wait_event_type || ': ' || wait_event END AS wait,
         CASE WHEN NOT ${IS_HIDDEN} THEN nullif(query, '') END AS statement
    FROM pg_stat_activity
   WHERE ${IS_CLIENT} AND datname = current_database() AND pid <> pg_backend_pid()
   ORDER BY state IS NOT DISTINCT FROM 'idle', coalesce(state LIKE 'idle in transaction%', false),
            state_change NULLS LAST, pid`;
const ELSEWHERE = `
  SELECT count(*)::int AS sessions FROM pg_stat_activity
   WHERE ${IS_CLIENT} AND datname IS DISTINCT FROM current_database()`;

/** Each session by the process that serves it. */
export const sessions: Report<keyof Row> = {
  name: 'sessions',
  title: 'Sessions of this database, each by its process (pid)',
  meaning:
    'Every client that is connected to this database, those at work first, and for how long it has been in its state. The statement is the one it runs, or the last one where it is idle, without values.',
  remedy:
    'POST /api/admin/db/backends/<pid>/cancel ends a statement, and /terminate a session, also an idle one, with its transaction. Who waits for whom: locks. How many there are by application: connections.',
  columns: [
    { key: 'pid', title: 'pid', unit: 'text' },
    { key: 'state', title: 'state', unit: 'text' },
    { key: 'stateMs', title: 'for', unit: 'milliseconds' },
    { key: 'transactionMs', title: 'transaction', unit: 'milliseconds' },
    { key: 'role', title: 'role', unit: 'text' },
    { key: 'application', title: 'application', unit: 'text' },
    { key: 'client', title: 'client', unit: 'text' },
    { key: 'wait', title: 'waits for', unit: 'text' },
    { key: 'statement', title: 'statement', unit: 'text' },
  ],
  async read(source) {
    const found = await source.query<Row>(SESSIONS);
    const rows = found.map((row) => ({
      ...row,
      statement: row.statement === null ? null : statementForm(row.statement).text,
    }));
    const [others] = await source.query<{ sessions: number }>(ELSEWHERE);
    const elsewhere = others?.sessions ?? 0;
    return {
      rows,
      findings: rows.flatMap(judged),
      notes: [
        ...(elsewhere > 0
          ? ['Sessions of other databases of this server are seen, and ended, from those databases']
          : []),
        ...(await hiddenActivity(source)),
      ],
      summary: {
        sessions: rows.length,
        active: rows.filter(({ state }) => state === 'active').length,
        ofOtherDatabases: elsewhere,
      },
    };
  },
};

/** That it takes too long is told by long-running; here it is what there is to end in a jam. */
function judged({ pid, state, stateMs, application, role, statement }: Row): Finding[] {
  if (stateMs === null || stateMs < NOTICED_MS || state === 'idle') return [];
  const isIdle = state.startsWith('idle');
  return [
    {
      severity: 'info',
      subject: `session ${pid}`,
      detail: `${application} as ${role}: ${state} for ${formatMilliseconds(stateMs)}${isIdle ? ', last' : ''}: ${statement ?? 'no statement'}`,
      remedy: isIdle ? endSession(pid) : cancelStatement(pid),
    },
  ];
}
