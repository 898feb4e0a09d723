import { Client } from 'pg';
import { MaintenanceService } from '../../src/monitoring/maintenance/maintenance.service';
import type { ApiCalls } from './api-calls';
import type { TestApp } from './app';
import { asOwner } from './database';
import type { KnownPeople } from './filled-app';

const LARGE_IMPORT = 10_000;

/** What an admin may do to the database by hand, once each, and what an import of many rows brings about. */
export async function tendDatabase(app: TestApp, api: ApiCalls, { admin }: KnownPeople): Promise<void> {
  const client = new Client({ connectionString: app.urls.ownerUrl });
  client.on('error', () => undefined);
  await client.connect();
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  for (const signal of ['cancel', 'terminate'])
    await api.call(`POST /api/admin/db/backends/{pid}/${signal}`, { as: admin, of: String(rows[0]?.pid) });
  await client.end().catch(() => undefined);

  await api.call('POST /api/admin/db/tables/{table}/analyze', { as: admin, of: 'meter_readings' });
  const vacuum = await api.call('POST /api/admin/db/tables/{table}/vacuum', { as: admin, of: 'users' });
  await api.call('POST /api/admin/db/indexes/{index}/reindex', { as: admin, of: 'idx_users_email' });
  await api.call('GET /api/admin/db/actions/{id}', { as: admin, of: vacuum.body.id as string });
  const [statement] = await asOwner<{ id: string }>(
    app.urls,
    `SELECT queryid::text AS id FROM pg_stat_statements
      WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND query LIKE 'SELECT %$1%'
      ORDER BY calls DESC LIMIT 1`,
  );
  await api.call('POST /api/admin/db/queries/{id}/explain', { as: admin, of: statement?.id, body: {} });
  await app.nest.get(MaintenanceService).analyzeSoon('meters', LARGE_IMPORT);
}
