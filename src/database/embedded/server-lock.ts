import { inDataDir, prepareDataDir } from './data-dir';
import { EmbeddedDatabaseError } from './embedded-database.error';
import { claimExclusively } from './process-claim';

/** The purpose of a server's claim among the locks of a DATA_DIR. */
export const SERVER = 'server';

/** The right to be the one server of a DATA_DIR. */
export interface ServerLock {
  release(): void;
}

/**
 * Makes this process the one server of a DATA_DIR. The lock of a server that was killed counts for nothing, also when
 * its pid belongs to another process by now.
 * @throws EmbeddedDatabaseError when another server runs there, or when DATA_DIR cannot be written
 */
export function acquireServerLock(dataDir: string): ServerLock {
  const home = prepareDataDir(dataDir);
  const { claim, rival } = claimExclusively(inDataDir.locks(home), SERVER);
  if (claim) return claim;
  throw new EmbeddedDatabaseError(
    `Another GridTokenX server (pid ${rival.pid}) already uses DATA_DIR ${home}: stop it or choose another DATA_DIR.`,
  );
}
