import { realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { makeDataFolder } from '../../config/data-folder';
import { explained } from './embedded-database.error';

/** Where the embedded database keeps what, below DATA_DIR. */
export const inDataDir = {
  /** The cluster, unless it had to move to where PostgreSQL's user can enter. */
  cluster: (dataDir: string) => join(dataDir, 'postgres'),
  /** Says where the cluster lives when it is not here. */
  location: (dataDir: string) => join(dataDir, 'postgres-location.txt'),
  /** What PostgreSQL said until its own log in the cluster was open; one start long. */
  startLog: (dataDir: string) => join(dataDir, 'postgres-start.log'),
  passwords: (dataDir: string) => join(dataDir, 'database-passwords.json'),
  locks: (dataDir: string) => join(dataDir, 'locks'),
};

/**
 * Makes sure that DATA_DIR exists and answers with its real path.
 * @throws EmbeddedDatabaseError when it cannot be created
 */
export function prepareDataDir(dataDir: string): string {
  const path = resolve(dataDir);
  return explained(`DATA_DIR ${path} cannot be created`, 'choose another DATA_DIR', () => {
    makeDataFolder(path);
    return realpathSync(path);
  });
}
