import { chmodSync, existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** Whether this process is root, which PostgreSQL refuses to run as. */
export function runsAsRoot(): boolean {
  return process.getuid?.() === 0;
}

/**
 * Makes DATA_DIR where it is missing. A folder made here is closed to others; root leaves the right to pass through,
 * since PostgreSQL runs as another user and its cluster lies inside.
 * @throws the operating system's error
 */
export function makeDataFolder(path: string): void {
  if (makeFolder(path)) chmodSync(path, runsAsRoot() ? 0o711 : 0o700);
}

/**
 * Makes a folder and those above it and says whether it was not there. Node's own recursive way takes a read-only file
 * system for a missing one, and never comes back from below /proc.
 * @throws the operating system's error
 */
export function makeFolder(path: string): boolean {
  try {
    mkdirSync(path);
    return true;
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    if (code === 'EEXIST' && statSync(path).isDirectory()) return false;
    if (code !== 'ENOENT' || existsSync(dirname(path))) throw error;
    makeFolder(dirname(path));
    return makeFolder(path);
  }
}
