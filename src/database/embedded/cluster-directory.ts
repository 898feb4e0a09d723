import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { runsAsRoot } from '../../config/data-folder';
import { inDataDir } from './data-dir';
import { EmbeddedDatabaseError, explained } from './embedded-database.error';
import type { OsUser } from './os-process';
import { canEnter, userForNewCluster, userName } from './postgres-user';
import { makeSystemFolder, relocatedCluster } from './system-home';

/** Where a cluster is, or where it is to be made, and who runs it. */
export interface ClusterPlace {
  readonly directory: string;
  readonly exists: boolean;
  /** Null: this process's own user. */
  readonly user: OsUser | null;
}

/** Folders of this name are beginnings of clusters; one is renamed when it is complete. */
export const STAGING_PREFIX = 'postgres.new-';

/**
 * Finds the cluster of a DATA_DIR, or chooses the place for it: inside, unless this is root and the user who is to run
 * PostgreSQL cannot enter. Removes what an interrupted creation left behind.
 * @param major the version of the PostgreSQL that is to run it
 * @throws EmbeddedDatabaseError when a folder is in the way, of another version, or of another user
 */
export function findCluster(dataDir: string, major: number, say: (sentence: string) => void): ClusterPlace {
  const directory = knownPlace(dataDir);
  if (directory === null) return placeForNewCluster(dataDir, say);
  removeBeginnings(dirname(directory));
  if (isFree(directory)) return { directory, exists: false, user: userForNewCluster(say) };
  refuseForeignFolder(directory, major);
  return { directory, exists: true, user: ownerOf(directory) };
}

/** Leaves word in DATA_DIR of where its cluster lives, when that is elsewhere. */
export function recordPlace(dataDir: string, place: ClusterPlace): void {
  if (place.directory === inDataDir.cluster(dataDir)) return;
  const file = inDataDir.location(dataDir);
  const text =
    `${place.directory}\n\nThe line above is where the PostgreSQL cluster of this DATA_DIR lives, because the user who ` +
    'runs\nPostgreSQL cannot enter this folder. Its passwords are here: back both up together.\n';
  explained(`The file ${file} cannot be written`, 'make DATA_DIR writable', () => {
    if (readIfThere(file) !== text) writeFileSync(file, text);
  });
}

/** The place a cluster was given before, or would be given inside DATA_DIR if something is already there. */
function knownPlace(dataDir: string): string | null {
  const recorded = readIfThere(inDataDir.location(dataDir))?.split('\n')[0];
  const inside = inDataDir.cluster(dataDir);
  removeBeginnings(dataDir);
  if (recorded?.startsWith('/')) return recorded;
  if (!isFree(inside)) return inside;
  const relocated = relocatedCluster(dataDir);
  return runsAsRoot() && existsSync(relocated) ? relocated : null;
}

function placeForNewCluster(dataDir: string, say: (sentence: string) => void): ClusterPlace {
  const user = userForNewCluster(say);
  if (user === null || canEnter(user, dataDir)) {
    return { directory: inDataDir.cluster(dataDir), exists: false, user };
  }
  const directory = relocatedCluster(dataDir);
  makeSystemFolder(dirname(directory));
  say(
    `DATA_DIR ${dataDir} lies in a folder that the user ${userName(user.uid)}, who runs PostgreSQL, cannot enter, ` +
      `so the database lives in ${directory}.`,
  );
  return { directory, exists: false, user };
}

function refuseForeignFolder(directory: string, major: number): void {
  const version = explained(
    `The database in ${directory} cannot be read`,
    'start as the user who made it',
    () => readIfThere(join(directory, 'PG_VERSION'))?.trim(),
  );
  if (version === undefined) {
    throw new EmbeddedDatabaseError(
      `${directory} is not a PostgreSQL cluster although the database belongs there: ` +
        'move it aside or choose another DATA_DIR.',
    );
  }
  if (version !== String(major)) {
    throw new EmbeddedDatabaseError(
      `The database in ${directory} was made by PostgreSQL ${version} and this release brings PostgreSQL ${major}, ` +
        'which cannot read it: start the release that made it, dump it with pg_dump at the address that ' +
        '`npm run db:url` prints, stop it, move the folder aside, start this release and restore the dump.',
    );
  }
}

/** PostgreSQL insists that a cluster is run by its owner, so root becomes the owner and others must be it. */
function ownerOf(directory: string): OsUser | null {
  if (process.getuid === undefined) return null;
  const { uid, gid } = statSync(directory);
  if (!runsAsRoot()) {
    if (uid === process.getuid()) return null;
    throw new EmbeddedDatabaseError(
      `The database in ${directory} belongs to the user ${userName(uid)}: start as that user or as root.`,
    );
  }
  if (uid === 0) {
    throw new EmbeddedDatabaseError(
      `The database in ${directory} belongs to root, as whom PostgreSQL refuses to run: ` +
        `give it to a system user, for example with chown -R postgres ${directory}.`,
    );
  }
  if (canEnter({ uid, gid }, directory)) return { uid, gid };
  throw new EmbeddedDatabaseError(
    `The database in ${directory} belongs to the user ${userName(uid)}, who cannot enter a folder above it: ` +
      'let that user pass with chmod o+x, or move DATA_DIR back.',
  );
}

function removeBeginnings(folder: string): void {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder).filter((entry) => entry.startsWith(STAGING_PREFIX))) {
    rmSync(join(folder, name), { recursive: true, force: true, maxRetries: 5 });
  }
}

function isFree(directory: string): boolean {
  return explained(`The folder ${directory} cannot be read`, 'start as the user who made it', () => {
    return (
      !existsSync(directory) || (statSync(directory).isDirectory() && readdirSync(directory).length === 0)
    );
  });
}

function readIfThere(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}
