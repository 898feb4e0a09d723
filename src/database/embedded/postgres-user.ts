import { spawnSync } from 'node:child_process';
import { runsAsRoot } from '../../config/data-folder';
import { EmbeddedDatabaseError } from './embedded-database.error';
import { asUser, type OsUser } from './os-process';

const CANDIDATES = ['postgres', 'gridtokenx'];
const CREATED = 'gridtokenx';

/**
 * The user of the operating system who is to run a new cluster: null for this process's own user, and for root, whom
 * PostgreSQL refuses, an unprivileged one, made when there is none.
 * @throws EmbeddedDatabaseError when root cannot find or make such a user
 */
export function userForNewCluster(say: (sentence: string) => void): OsUser | null {
  if (!runsAsRoot()) return null;
  for (const name of CANDIDATES) {
    const user = findUser(name);
    if (user) return user;
  }
  return createUser(say);
}

/** Whether a user (null: this one) can enter a folder and all that lie above it, tried in earnest. */
export function canEnter(user: OsUser | null, folder: string): boolean {
  if (process.platform === 'win32') return true;
  return (
    spawnSync('/bin/sh', ['-c', 'cd "$1"', 'sh', folder], { ...asUser(user), stdio: 'ignore' }).status === 0
  );
}

/** The name of a user for messages, or the number where it has none. */
export function userName(uid: number): string {
  const { status, stdout } = spawnSync('id', ['-nu', String(uid)], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : `number ${uid}`;
}

function findUser(name: string): OsUser | null {
  const [uid, gid] = [numberOf('-u', name), numberOf('-g', name)];
  return uid !== null && gid !== null && uid > 0 ? { uid, gid } : null;
}

function createUser(say: (sentence: string) => void): OsUser {
  const options = ['--system', '--user-group', '--no-create-home', '--shell', '/usr/sbin/nologin'];
  const { status } = spawnSync('useradd', [...options, CREATED], { stdio: 'ignore' });
  const user = status === 0 ? findUser(CREATED) : null;
  if (user) {
    say(`PostgreSQL refuses to run as root, so the system user ${CREATED} was created for it.`);
    return user;
  }
  throw new EmbeddedDatabaseError(
    'PostgreSQL refuses to run as root and no user for it could be created: create a system user named postgres, ' +
      'start as another user, or set DATABASE_URL to a PostgreSQL of your own.',
  );
}

function numberOf(option: '-u' | '-g', name: string): number | null {
  const { status, stdout } = spawnSync('id', [option, name], { encoding: 'utf8' });
  return status === 0 ? Number(stdout.trim()) : null;
}
