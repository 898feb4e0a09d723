import type { DatabaseUrls } from '../../src/database/database.module';
import { asOwner } from './database';

/**
 * Lets no job come by the clock to the applications of a database any more: some come each minute, and have statements,
 * connections, locks and snapshots of their own. For tests of these; to be called right after a start, which sets the clock.
 */
export async function stopClock(urls: DatabaseUrls): Promise<void> {
  await asOwner(urls, 'DELETE FROM pgboss.schedule');
}
