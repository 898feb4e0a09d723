import type { Finding, Report } from './report';

/** Beyond this share of max_connections there is little room for a burst, or for the one who comes to help. */
const NEARLY_FULL = 0.8;

interface Row {
  state: string;
  application: string;
  client: string;
  role: string;
  connections: number;
  longestSeconds: number | null;
}

/** Who is connected, by state, application and client. */
export const connections: Report<keyof Row> = {
  name: 'connections',
  title: 'Connections by state, application and client',
  meaning:
    'Every client of the server. "idle in transaction" holds its locks and keeps dead rows from being removed; "active" is at work.',
  remedy:
    'Where many are idle let DB_POOL_MAX be smaller or put PgBouncer in front; an application that stays idle in transactions has to be mended.',
  columns: [
    { key: 'state', title: 'state', unit: 'text' },
    { key: 'application', title: 'application', unit: 'text' },
    { key: 'client', title: 'client', unit: 'text' },
    { key: 'role', title: 'role', unit: 'text' },
    { key: 'connections', title: 'connections', unit: 'count' },
    { key: 'longestSeconds', title: 'longest in this state', unit: 'seconds' },
  ],
  async read(source) {
    const rows = await source.query<Row>(
      `SELECT coalesce(state, 'unknown') AS state, coalesce(nullif(application_name, ''), '(unnamed)') AS application,
              coalesce(host(client_addr), 'local') AS client, coalesce(usename::text, '') AS role,
              count(*)::int AS connections,
              max(extract(epoch FROM clock_timestamp() - state_change))::float8 AS "longestSeconds"
         FROM pg_stat_activity
        WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
        GROUP BY 1, 2, 3, 4 ORDER BY connections DESC, 1, 2, 3, 4`,
    );
    const [limits] = await source.query<{ most: number; reserved: number }>(
      `SELECT current_setting('max_connections')::int AS most,
              current_setting('superuser_reserved_connections')::int AS reserved`,
    );
    const most = (limits?.most ?? 0) - (limits?.reserved ?? 0);
    const used = rows.reduce((sum, row) => sum + row.connections, 0);
    return { rows, findings: nearlyFull(used, most), summary: { used, most } };
  },
};

function nearlyFull(used: number, most: number): Finding[] {
  if (most === 0 || used < NEARLY_FULL * most) return [];
  return [
    {
      severity: used >= most ? 'critical' : 'warn',
      subject: 'max_connections',
      detail: `${used} of ${most} connections are taken`,
      remedy: 'Lower DB_POOL_MAX, put PgBouncer in transaction mode in front, or raise max_connections',
    },
  ];
}
