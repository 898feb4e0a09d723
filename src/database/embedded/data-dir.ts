import { chmodSync, existsSync, mkdirSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { explained, systemCode } from './embedded-database.error';

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

/** Whether this process is root, which PostgreSQL refuses to run as. */
export function runsAsRoot(): boolean {
  return process.getuid?.() === 0;
}

/**
 * Makes sure that DATA_DIR exists and answers with its real path. A folder made here is closed to others; root leaves
 * the right to pass through, since PostgreSQL runs as another user and its cluster lies inside.
 * @throws EmbeddedDatabaseError when it cannot be created
 */
export function prepareDataDir(dataDir: string): string {
  const path = resolve(dataDir);
  return explained(`DATA_DIR ${path} cannot be created`, 'choose another DATA_DIR', () => {
    const created = makeFolder(path);
    if (created) chmodSync(path, runsAsRoot() ? 0o711 : 0o700);
    return realpathSync(path);
  });
}

/**
 * Makes a folder and those above it and says whether it was not there. Node's own recursive way takes a read-only file
 * system for a missing one.
 * @throws the operating system's error
 */
export function makeFolder(path: string): boolean {
  try {
    mkdirSync(path);
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST' && statSync(path).isDirectory()) return false;
    if (systemCode(error) !== 'ENOENT' || existsSync(dirname(path))) throw error;
    makeFolder(dirname(path));
    return makeFolder(path);
  }
}
