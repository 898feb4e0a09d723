import { appendFileSync, chmodSync, chownSync, mkdtempSync, rmSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { totalmem, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCluster } from '../src/database/embedded/initdb';
import type { Binaries } from '../src/database/embedded/binaries';
import { locateBinaries } from '../src/database/embedded/binaries';
import type { ClusterPlace } from '../src/database/embedded/cluster-directory';
import { EmbeddedDatabaseError } from '../src/database/embedded/embedded-database.error';
import { freePort } from '../src/database/embedded/free-port';
import {
  launchPostmaster,
  stopPostmaster,
  type RunningPostmaster,
} from '../src/database/embedded/postmaster';
import { userForNewCluster } from '../src/database/embedded/postgres-user';
import { APP, databaseUrl, OWNER, prepareRoles } from '../src/database/embedded/roles';
import { binariesFor } from '../src/database/embedded/system-home';
import { createOlderCluster, locateOlderBinaries } from './older-postgres';

/** The versions that measurements run on: the embedded one, and the oldest that is supported. */
export const POSTGRES_VERSIONS = [18, 15] as const;
export type PostgresVersion = (typeof POSTGRES_VERSIONS)[number];

/** A PostgreSQL of its own in a temporary folder, empty but for the two roles and their database. */
export interface ThrowAwayCluster {
  readonly ownerUrl: string;
  readonly applicationUrl: string;
  /** Stops it and removes its folder. May be called again. */
  remove(): Promise<void>;
}

type Say = (sentence: string) => void;

const PORT_ATTEMPTS = 5;
const GIBIBYTE_MB = 1024;

/**
 * Starts a PostgreSQL to load and measure in, which goes away with this process however that ends: nothing in it
 * survives a crash, so it loads fast, and nothing but the caller works in it.
 * @param version 15 needs Debian's package postgresql-15
 * @throws EmbeddedDatabaseError with one sentence when it cannot be started
 */
export async function startThrowAwayCluster(version: PostgresVersion, say: Say): Promise<ThrowAwayCluster> {
  const folder = mkdtempSync(join(tmpdir(), 'gridtokenx-bench-'));
  chmodSync(folder, 0o755); // as root, PostgreSQL runs as another user, who has to come in
  try {
    const user = userForNewCluster(say);
    if (user !== null) chownSync(folder, user.uid, user.gid);
    const binaries = version === 18 ? binariesFor(user, locateBinaries(), say) : locateOlderBinaries(version);
    const place: ClusterPlace = { directory: join(folder, 'postgres'), exists: false, user };
    const passwords = { owner: password(), app: password() };
    if (version === 18) await createCluster(place, binaries, passwords.owner, false);
    else createOlderCluster(place, binaries, passwords.owner);
    appendFileSync(join(place.directory, 'postgresql.conf'), configuration());
    const postmaster = await launch(place, binaries, join(folder, 'start.log'), say);
    const remove = removal(folder, place, binaries, postmaster);
    await prepareRoles(postmaster.port, passwords);
    return {
      ownerUrl: databaseUrl(OWNER, passwords.owner, postmaster.port),
      applicationUrl: databaseUrl(APP, passwords.app, postmaster.port),
      remove,
    };
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

/** For loading; what the planner goes by is as in a cluster of the product. */
function configuration(): string {
  const memory = Math.floor(totalmem() / 1024 / 1024);
  const settings = {
    shared_buffers: `${Math.min(GIBIBYTE_MB, Math.floor(memory / 4))}MB`,
    effective_cache_size: `${GIBIBYTE_MB}MB`,
    work_mem: '16MB',
    random_page_cost: '1.1',
    jit: 'off',
    maintenance_work_mem: `${Math.min(GIBIBYTE_MB / 2, Math.floor(memory / 8))}MB`,
    max_wal_size: '8GB',
    checkpoint_timeout: '30min',
    autovacuum: 'off',
    wal_level: 'minimal',
    max_wal_senders: '0',
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}\n`);
  return `\n# of a throw-away cluster\n${lines.join('')}`;
}

async function launch(
  place: ClusterPlace,
  binaries: Binaries,
  startLog: string,
  say: Say,
): Promise<RunningPostmaster> {
  for (let attempt = 1; ; attempt++) {
    const outcome = await launchPostmaster(place, binaries, await freePort(), {
      startLog,
      durable: false,
      say,
    });
    if (outcome.kind === 'running') return outcome.postmaster;
    if (outcome.kind !== 'port-taken' || attempt === PORT_ATTEMPTS)
      throw new EmbeddedDatabaseError(
        `A throw-away PostgreSQL cannot be started in ${place.directory} (${outcome.reason}): mend that, then start again.`,
      );
  }
}

/** How it goes: in order when asked to or at a signal, at once when the process ends by itself. */
function removal(
  folder: string,
  place: ClusterPlace,
  binaries: Binaries,
  { pid }: RunningPostmaster,
): () => Promise<void> {
  const removeFolder = (): void => rmSync(folder, { recursive: true, force: true, maxRetries: 20 });
  const atExit = (): void => {
    process.kill(pid, 'SIGQUIT');
    removeFolder();
  };
  const remove = async (): Promise<void> => {
    process.off('exit', atExit);
    for (const signal of SIGNALS) process.off(signal, atSignal);
    await stopPostmaster(place, binaries, pid);
    removeFolder();
  };
  const atSignal = (signal: NodeJS.Signals): void => {
    const code = signal === 'SIGINT' ? 130 : 143;
    void remove().finally(() => process.exit(code));
  };
  process.on('exit', atExit);
  for (const signal of SIGNALS) process.on(signal, atSignal);
  return remove;
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

const password = (): string => randomBytes(24).toString('base64url');
