import { Client } from 'pg';
import type { DatabaseUrls } from '../database/database.module';

/** Processes that boot together make their queues one after the other: side by side pg-boss deadlocks. */
const QUEUES_LOCK = 4_711_072_003;

/**
 * Makes the queues, and lets the application's role enqueue jobs in its own transactions; the job tables stay
 * the owner's.
 */
export async function makeQueues(
  { applicationUrl, ownerUrl }: DatabaseUrls,
  make: () => Promise<void>,
): Promise<void> {
  const owner = new Client({ connectionString: ownerUrl, application_name: 'gridtokenx jobs' });
  owner.on('error', () => undefined); // the statement that it breaks tells; without a listener it would end the process
  await owner.connect();
  try {
    await owner.query('SELECT pg_advisory_lock($1)', [QUEUES_LOCK]); // ends with the connection
    await make();
    const role = owner.escapeIdentifier(decodeURIComponent(new URL(applicationUrl).username));
    await owner.query(`GRANT USAGE ON SCHEMA pgboss TO ${role}`);
    await owner.query(`GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA pgboss TO ${role}`);
  } finally {
    await owner.end();
  }
}
