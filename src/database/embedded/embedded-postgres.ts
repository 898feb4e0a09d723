import { setTimeout as delay } from 'node:timers/promises';
import { setAsideAbandonedCluster } from './abandoned-cluster';
import { locateBinaries, type Binaries } from './binaries';
import { bringUp, type ClusterStart } from './cluster';
import { findCluster, recordPlace, type ClusterPlace } from './cluster-directory';
import { inDataDir, prepareDataDir } from './data-dir';
import { EmbeddedDatabaseError, systemReason } from './embedded-database.error';
import { createCluster } from './initdb';
import { stopPostmaster } from './postmaster';
import { isPostmasterOf } from './postmaster-pid';
import { liveClaims, publishClaim, type ProcessClaim } from './process-claim';
import { APP, databaseUrl, otherClients, OWNER } from './roles';
import { createPasswords, readPasswords, type DatabasePasswords } from './secrets';
import { SERVER } from './server-lock';
import { waitForStartLock, withStartLock } from './start-lock';
import { binariesFor } from './system-home';

/** A running PostgreSQL of one DATA_DIR, which several processes may share. */
export interface EmbeddedDatabase {
  /** For migrations and maintenance: the superuser, who owns the schema. */
  readonly ownerUrl: string;
  /** For the application: a role that owns nothing. */
  readonly appUrl: string;
  /** Where the cluster really lives. */
  readonly directory: string;
  /** Whether this call made the cluster, started it, or found it running. */
  readonly origin: 'created' | 'started' | 'taken-over';
  /** The port of the loopback interface that it listens on. */
  readonly port: number;
  /** Whether its postmaster is there, be it busy or not. */
  isRunning(): boolean;
  /**
   * Shuts it down for everyone, rolling back what is not committed, and resolves when PostgreSQL has gone.
   * @throws EmbeddedDatabaseError when it has not gone after a minute
   */
  stop(): Promise<void>;
  /**
   * For short commands, after they closed their own connections: shuts it down if this call started it, no other
   * process uses it and no client is connected; otherwise leaves it as it is.
   */
  stopIfUnused(): Promise<void>;
}

export interface EmbeddedDatabaseOptions {
  readonly dataDir: string;
  /** False trades surviving a power cut for speed, for tests. A killed process loses nothing either way. */
  readonly durable?: boolean;
  /** Where a PostgreSQL that has to be started listens; any free port when not given. */
  readonly port?: number;
  /** Hears, in whole sentences, what is done that people should know of. */
  readonly say: (sentence: string) => void;
}

const STOP_LOCK_TIMEOUT_MS = 2_000;
/** A backend leaves the list of connections a moment after its client has closed the connection. */
const CLIENTS_LEAVE_MS = 300;
const USE = 'use';

/**
 * Starts the PostgreSQL that belongs to a DATA_DIR, creates it there at the first start, and takes it over when it
 * runs already, be it for another process or left behind by one that was killed. It outlives this process until
 * somebody stops it.
 * @throws EmbeddedDatabaseError with one sentence that says what stands in the way and what to do
 */
export async function startEmbeddedPostgres(options: EmbeddedDatabaseOptions): Promise<EmbeddedDatabase> {
  const dataDir = prepareDataDir(options.dataDir);
  try {
    const installed = locateBinaries();
    return await withStartLock(dataDir, options.say, () => start(dataDir, installed, options));
  } catch (error) {
    if (error instanceof EmbeddedDatabaseError) throw error;
    throw new EmbeddedDatabaseError(
      `The embedded database of ${dataDir} cannot be started (${systemReason(error)}): ` +
        'mend that, or set DATABASE_URL to a PostgreSQL of your own.',
      { cause: error },
    );
  }
}

async function start(
  dataDir: string,
  installed: Binaries,
  { say, durable = true, port: wantedPort }: EmbeddedDatabaseOptions,
): Promise<EmbeddedDatabase> {
  await setAsideAbandonedCluster(dataDir, installed, say);
  const place = findCluster(dataDir, installed.major, say);
  const binaries = binariesFor(place.user, installed, say);
  const passwords = passwordsFor(dataDir, place);
  if (!place.exists) {
    say(`Creating a PostgreSQL ${installed.major} database in ${place.directory}.`);
    await createCluster(place, binaries, passwords.owner, durable);
  }
  recordPlace(dataDir, place);
  const cluster: ClusterStart = { dataDir, place, binaries, passwords, durable, port: wantedPort, say };
  const { pid, port, takenOver } = await bringUp(cluster);
  const origin = takenOver ? 'taken-over' : place.exists ? 'started' : 'created';
  return new RunningDatabase(cluster, { pid, port }, origin, publishClaim(inDataDir.locks(dataDir), USE));
}

/** The passwords are written before the cluster that knows them, so a cluster without them has lost them. */
function passwordsFor(dataDir: string, { directory, exists }: ClusterPlace): DatabasePasswords {
  const passwords = readPasswords(dataDir);
  if (passwords) return passwords;
  if (!exists) return createPasswords(dataDir);
  throw new EmbeddedDatabaseError(
    `The passwords of the database in ${directory} are missing: bring ${inDataDir.passwords(dataDir)} back from a ` +
      'backup, or move the database aside to begin with an empty one.',
  );
}

class RunningDatabase implements EmbeddedDatabase {
  readonly ownerUrl: string;
  readonly appUrl: string;
  readonly directory: string;
  readonly port: number;

  constructor(
    private readonly cluster: ClusterStart,
    private readonly postmaster: { readonly pid: number; readonly port: number },
    readonly origin: EmbeddedDatabase['origin'],
    private readonly use: ProcessClaim,
  ) {
    const { passwords, place } = cluster;
    this.ownerUrl = databaseUrl(OWNER, passwords.owner, postmaster.port);
    this.appUrl = databaseUrl(APP, passwords.app, postmaster.port);
    this.directory = place.directory;
    this.port = postmaster.port;
  }

  isRunning(): boolean {
    return isPostmasterOf(this.postmaster.pid, this.directory);
  }

  async stop(): Promise<void> {
    this.use.release();
    // Others see it either running or stopped and never take it over while it goes down. Who holds the lock for long
    // is starting it, and then has to cope with its end as with any other.
    const { lock } = await waitForStartLock(this.cluster.dataDir, STOP_LOCK_TIMEOUT_MS);
    try {
      await this.shutDown();
    } finally {
      lock?.release();
    }
  }

  async stopIfUnused(): Promise<void> {
    this.use.release();
    if (this.origin === 'taken-over') return;
    const { lock } = await waitForStartLock(this.cluster.dataDir, STOP_LOCK_TIMEOUT_MS);
    if (!lock) return; // another process is about to use it
    try {
      if (!this.isUsedByProcesses() && !(await this.hasClients())) await this.shutDown();
    } finally {
      lock.release();
    }
  }

  /** Processes of GridTokenX count as users also while they are not connected. */
  private isUsedByProcesses(): boolean {
    const locks = inDataDir.locks(this.cluster.dataDir);
    const servers = liveClaims(locks, SERVER).filter(({ pid }) => pid !== process.pid);
    return servers.length > 0 || liveClaims(locks, USE).length > 0;
  }

  /** Whether somebody else, such as psql, is connected; a database that cannot be asked is left alone. */
  private async hasClients(): Promise<boolean> {
    const { postmaster, cluster } = this;
    const deadline = Date.now() + CLIENTS_LEAVE_MS;
    try {
      while ((await otherClients(postmaster.port, cluster.passwords)) > 0) {
        if (Date.now() >= deadline) return true;
        await delay(20);
      }
      return false;
    } catch {
      return true;
    }
  }

  private shutDown(): Promise<void> {
    return stopPostmaster(this.cluster.place, this.cluster.binaries, this.postmaster.pid);
  }
}
