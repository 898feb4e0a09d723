import { Client } from 'pg';
import type { DatabaseUrls } from '../database/database.module';

/** Lets the application's role enqueue jobs in its own transactions; the job tables stay the owner's. */
export async function grantEnqueueing({ applicationUrl, ownerUrl }: DatabaseUrls): Promise<void> {
  const owner = new Client({ connectionString: ownerUrl, application_name: 'gridtokenx jobs' });
  await owner.connect();
  try {
    const role = owner.escapeIdentifier(decodeURIComponent(new URL(applicationUrl).username));
    await owner.query(`GRANT USAGE ON SCHEMA pgboss TO ${role}`);
    await owner.query(`GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA pgboss TO ${role}`);
  } finally {
    await owner.end();
  }
}
