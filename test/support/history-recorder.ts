import { Client } from 'pg';
import type { DatabaseUrls } from '../../src/database/database.module';
import { makeDays } from '../../src/monitoring/history/day-partitions';
import { HISTORY_LOCK } from '../../src/monitoring/history/snapshot';

/**
 * A session of the owner to record snapshots in, for which there are partitions. As long as it lives nobody else takes
 * any: the job of a minute would make the same partitions, and write the same rows in an order of its own. Whoever opens
 * it ends it.
 */
export async function historyRecorder({ ownerUrl }: Pick<DatabaseUrls, 'ownerUrl'>): Promise<Client> {
  const recorder = new Client({ connectionString: ownerUrl, application_name: 'recorder' });
  recorder.on('error', () => undefined); // a test may have the server restarted meanwhile
  await recorder.connect();
  await recorder.query('SELECT pg_advisory_lock($1)', [HISTORY_LOCK]);
  await makeDays(recorder);
  return recorder;
}
