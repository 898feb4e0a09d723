import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync, chownSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { program, type Binaries } from '../src/database/embedded/binaries';
import type { ClusterPlace } from '../src/database/embedded/cluster-directory';
import { EmbeddedDatabaseError } from '../src/database/embedded/embedded-database.error';
import { asUser } from '../src/database/embedded/os-process';
import { OWNER } from '../src/database/embedded/roles';

const DEBIAN = '/usr/lib/postgresql';

/**
 * The programs of an older PostgreSQL as Debian installs them.
 * @throws EmbeddedDatabaseError when they are not installed
 */
export function locateOlderBinaries(major: number): Binaries {
  const root = join(DEBIAN, String(major));
  if (existsSync(join(root, 'bin/initdb'))) return { root, version: String(major), major };
  throw new EmbeddedDatabaseError(
    `PostgreSQL ${major} is not installed in ${root}: install it (on Debian: apt-get install postgresql-${major}), ` +
      'or measure on the embedded one.',
  );
}

/**
 * Makes a cluster with the collation of the embedded one, by the words that initdb knew then.
 * @throws EmbeddedDatabaseError with initdb's own words when it fails
 */
export function createOlderCluster(place: ClusterPlace, binaries: Binaries, ownerPassword: string): void {
  const passwordFile = `${place.directory}.password`;
  writeFileSync(passwordFile, `${ownerPassword}\n`, { mode: 0o600 });
  if (place.user !== null) chownSync(passwordFile, place.user.uid, place.user.gid);
  try {
    const { status, stderr } = spawnSync(
      program(binaries, 'initdb'),
      [
        `--pgdata=${place.directory}`,
        `--username=${OWNER}`,
        `--pwfile=${passwordFile}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        '--locale=C.UTF-8',
        '--no-sync',
      ],
      { ...asUser(place.user), encoding: 'utf8' },
    );
    if (status === 0) return;
    throw new EmbeddedDatabaseError(`A cluster cannot be made in ${place.directory}: ${stderr.trim()}`);
  } finally {
    rmSync(passwordFile, { force: true });
  }
}
