import { historyWindow, looksBack } from '../history/history-window';
import { connectionPeaks } from '../history/server-history';
import type { Finding, Reading, Report, ReportQuery } from './report';
import type { ReportSource } from './report-source';
import { HIDDEN_ACTIVITY, hiddenActivity, IS_CLIENT, IS_HIDDEN } from './seen-activity';

/** Beyond this share of max_connections there is little room for a burst, or for the one who comes to help. */
const NEARLY_FULL = 0.8;
const HIDDEN = 'hidden';
const ALL = '(all)';

interface Row {
  state: string;
  application: string;
  client: string;
  role: string;
  connections: number;
  longestSeconds: number | null;
  at: string | null;
}

/** Who is connected, by state, application and client. */
export const connections: Report<keyof Row> = {
  name: 'connections',
  title: 'Connections by state, application and client',
  meaning:
    'Every client of the server. "idle in transaction" holds its locks and keeps dead rows from being removed; "active" is at work; of "hidden" ones PostgreSQL does not show this role what they do. Of a span of time (from and to) it is the most at one time, by state.',
  remedy:
    'Each of them by its process: sessions. Where many are idle let DB_POOL_MAX be smaller or put PgBouncer in front; an application that stays idle in transactions has to be mended.',
  hasHistory: true,
  columns: [
    { key: 'state', title: 'state', unit: 'text' },
    { key: 'application', title: 'application', unit: 'text' },
    { key: 'client', title: 'client', unit: 'text' },
    { key: 'role', title: 'role', unit: 'text' },
    { key: 'connections', title: 'connections', unit: 'count' },
    { key: 'longestSeconds', title: 'longest in this state', unit: 'seconds' },
    { key: 'at', title: 'when', unit: 'time' },
  ],
  read: (source, query) => (looksBack(query) ? readWindow(source, query) : readNow(source)),
};

async function readNow(source: ReportSource): Promise<Reading<keyof Row>> {
  const rows = await source.query<Row>(
    `SELECT CASE WHEN ${IS_HIDDEN} THEN '${HIDDEN}' ELSE coalesce(state, 'unknown') END AS state,
            coalesce(nullif(application_name, ''), '(unnamed)') AS application,
            CASE WHEN ${IS_HIDDEN} THEN '${HIDDEN}' ELSE coalesce(host(client_addr), 'local') END AS client,
            coalesce(usename::text, '') AS role, count(*)::int AS connections,
            max(extract(epoch FROM clock_timestamp() - state_change))::float8 AS "longestSeconds", NULL AS at
       FROM pg_stat_activity
      WHERE ${IS_CLIENT} AND pid <> pg_backend_pid()
      GROUP BY 1, 2, 3, 4 ORDER BY connections DESC, 1, 2, 3, 4`,
  );
  const most = await mostConnections(source);
  const used = rows.reduce((sum, row) => sum + row.connections, 0);
  return {
    rows,
    findings: nearlyFull(used, most, 'are taken'),
    notes: await hiddenActivity(source),
    summary: { used, most },
  };
}

/** The history keeps how many there were in each state, and not of which application. */
async function readWindow(source: ReportSource, query: ReportQuery): Promise<Reading<keyof Row>> {
  const window = await historyWindow(source, query);
  const peaks = await connectionPeaks(source, window);
  const most = await mostConnections(source);
  const whole = peaks.find(({ state }) => state === undefined);
  const used = whole?.connections ?? 0;
  const rows = peaks.map(({ state = ALL, connections: count, at }) => ({
    state,
    application: ALL,
    client: ALL,
    role: ALL,
    connections: count,
    longestSeconds: null,
    at: at.toISOString(),
  }));
  return {
    rows: rows.toSorted((a, b) => b.connections - a.connections),
    findings: nearlyFull(used, most, `were taken at ${whole?.at.toISOString()}`),
    notes: [
      ...window.notes,
      'The most at one time, as a snapshot a minute saw it: applications and clients are not kept, and max_connections is that of now',
      ...(peaks.some(({ state }) => state === HIDDEN) ? [HIDDEN_ACTIVITY] : []),
    ],
    summary: { used, most },
  };
}

/** As many as roles without special rights may have; a second reserve came with PostgreSQL 16. */
async function mostConnections(source: ReportSource): Promise<number> {
  const [limits] = await source.query<{ most: number; reserved: number }>(
    `SELECT current_setting('max_connections')::int AS most,
            current_setting('superuser_reserved_connections')::int
              + coalesce(current_setting('reserved_connections', true)::int, 0) AS reserved`,
  );
  return (limits?.most ?? 0) - (limits?.reserved ?? 0);
}

function nearlyFull(used: number, most: number, taken: string): Finding[] {
  if (most === 0 || used < NEARLY_FULL * most) return [];
  return [
    {
      severity: used >= most ? 'critical' : 'warn',
      subject: 'max_connections',
      detail: `${used} of ${most} connections ${taken}`,
      remedy:
        'Lower DB_POOL_MAX, put PgBouncer in transaction mode in front, or raise max_connections; sessions shows each by its process, to be ended by POST /api/admin/db/backends/<pid>/terminate',
    },
  ];
}
