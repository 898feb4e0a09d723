import { existsSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Binaries } from './binaries';
import { runsAsRoot } from '../../config/data-folder';
import { inDataDir } from './data-dir';
import { explained } from './embedded-database.error';
import { stopPostmaster } from './postmaster';
import { readPostmasterPid } from './postmaster-pid';
import { relocatedCluster } from './system-home';

/**
 * Sets aside the cluster that an emptied DATA_DIR left behind in the system home: with the passwords its data cannot be
 * reached any more, and whoever empties DATA_DIR wants to begin anew. Nothing is deleted. To be called under the start
 * lock.
 * @throws EmbeddedDatabaseError when its PostgreSQL does not stop or it cannot be moved
 */
export async function setAsideAbandonedCluster(
  dataDir: string,
  binaries: Binaries,
  say: (sentence: string) => void,
): Promise<void> {
  const directory = relocatedCluster(dataDir);
  const traces = [inDataDir.passwords(dataDir), inDataDir.location(dataDir), inDataDir.cluster(dataDir)];
  if (!runsAsRoot() || !existsSync(directory) || traces.some((path) => existsSync(path))) return;
  const { uid, gid } = statSync(directory);
  const running = readPostmasterPid(directory);
  if (running) await stopPostmaster({ directory, exists: true, user: { uid, gid } }, binaries, running.pid);
  const aside = `${dirname(directory)}.left-${new Date().toISOString().replaceAll(/\D/g, '').slice(0, 14)}`;
  explained(`The database in ${directory} cannot be moved to ${aside}`, 'move it yourself', () =>
    renameSync(dirname(directory), aside),
  );
  say(
    `DATA_DIR ${dataDir} was emptied and with it went the passwords of its database, so that was moved to ${aside}: ` +
      'remove it when nobody needs it.',
  );
}
