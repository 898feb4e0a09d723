import { createHash } from 'node:crypto';
import { chmodSync, cpSync, existsSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { canRun, type Binaries } from './binaries';
import { makeFolder } from '../../config/data-folder';
import { EmbeddedDatabaseError, explained } from './embedded-database.error';
import type { OsUser } from './os-process';
import { userName } from './postgres-user';

/**
 * Where the cluster and the programs of root's DATA_DIR go when PostgreSQL's user cannot enter the folders they lie in.
 * Everything here is made by root; only the clusters belong to PostgreSQL's user.
 */
const SYSTEM_HOME = '/var/lib/gridtokenx';

/** The folder for the cluster of a DATA_DIR that PostgreSQL's user cannot enter; the same one at every start. */
export function relocatedCluster(dataDir: string): string {
  const name = createHash('sha256').update(dataDir).digest('hex').slice(0, 16);
  return join(SYSTEM_HOME, name, 'postgres');
}

/**
 * Makes a folder below the system home, open for everyone to pass through whatever root's umask is.
 * @throws EmbeddedDatabaseError when it cannot be made
 */
export function makeSystemFolder(folder: string): void {
  const advice = 'choose a DATA_DIR that the user of PostgreSQL can enter, or set DATABASE_URL';
  explained(`The folder ${folder} for the database cannot be made`, advice, () => {
    for (const path of [SYSTEM_HOME, folder]) {
      makeFolder(path);
      chmodSync(path, 0o755);
    }
  });
}

/**
 * The programs in a place where the cluster's user can run them: where npm put them, or else a copy.
 * @throws EmbeddedDatabaseError when that user cannot run the copy either
 */
export function binariesFor(
  user: OsUser | null,
  installed: Binaries,
  say: (sentence: string) => void,
): Binaries {
  if (user === null || canRun(installed, user)) return installed;
  const copied = { ...installed, root: join(SYSTEM_HOME, `postgresql-${installed.version}`) };
  if (!existsSync(copied.root)) {
    copyPrograms(installed.root, copied.root);
    say(
      `The user ${userName(user.uid)} may not run the PostgreSQL programs in ${installed.root}, ` +
        `so they were copied to ${copied.root}.`,
    );
  }
  if (canRun(copied, user)) return copied;
  throw new EmbeddedDatabaseError(
    `The user ${userName(user.uid)} can run the PostgreSQL programs neither in ${installed.root} nor in ` +
      `${copied.root}: remove the latter and start again, or set DATABASE_URL to a PostgreSQL of your own.`,
  );
}

/** The copy appears under its name only when it is complete. */
function copyPrograms(from: string, to: string): void {
  makeSystemFolder(SYSTEM_HOME);
  const advice = 'make room there, or install GridTokenX where the user of PostgreSQL can enter';
  explained(`The PostgreSQL programs cannot be copied to ${to}`, advice, () => {
    const draft = mkdtempSync(join(SYSTEM_HOME, 'copying-'));
    try {
      cpSync(from, draft, {
        recursive: true,
        verbatimSymlinks: true,
        filter: (path) => !path.endsWith('.a'),
      });
      openToEveryone(draft);
      moveInto(draft, to);
    } finally {
      rmSync(draft, { recursive: true, force: true });
    }
  });
}

function moveInto(draft: string, to: string): void {
  try {
    renameSync(draft, to);
  } catch (error) {
    if (!existsSync(to)) throw error; // otherwise another process finished the same copy first
  }
}

/** Lets everyone read, enter and run, also when npm installed under a umask that keeps others out. */
function openToEveryone(folder: string): void {
  chmodSync(folder, 0o755);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) openToEveryone(path);
    else if (entry.isFile()) chmodSync(path, basename(folder) === 'bin' ? 0o755 : 0o644);
  }
}
