import { execFileSync } from 'node:child_process';
import { appendFileSync, chownSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import type { DatabaseUrls } from '../../src/database/database.module';
import { locateBinaries, type Binaries } from '../../src/database/embedded/binaries';
import type { ClusterPlace } from '../../src/database/embedded/cluster-directory';
import { startEmbeddedPostgres, type EmbeddedDatabase } from '../../src/database/embedded/embedded-postgres';
import { eventually } from '../../src/database/embedded/os-process';
import { isPostmasterOf } from '../../src/database/embedded/postmaster-pid';
import { launchPostmaster, stopPostmaster } from '../../src/database/embedded/postmaster';
import { binariesFor } from '../../src/database/embedded/system-home';
import { migrate } from '../../src/database/schema/migrate';
import { freePort } from './free-port';
import { removeFolder } from './remove-folder';

const say = (): void => undefined;
/** What belongs to the primary's process and not to a copy of its files. */
const OWN_TO_A_PROCESS = ['postmaster.pid', 'postmaster.opts', 'log'];

/**
 * A real standby of an embedded PostgreSQL, which follows it by streaming replication. Made as the manual says, by a
 * copy of the files between pg_backup_start and pg_backup_stop, since pg_basebackup is not among the embedded programs.
 */
export class Standby {
  private pid = 0;

  private constructor(
    private readonly place: ClusterPlace,
    private readonly binaries: Binaries,
    private readonly folder: string,
    readonly port: number,
  ) {}

  /**
   * @param folder is made, and can be entered by the user who runs PostgreSQL
   * @param name what `cluster_name` says on it
   */
  static async of(primary: EmbeddedDatabase, folder: string, name: string): Promise<Standby> {
    const { uid, gid } = statSync(primary.directory);
    const user = process.getuid?.() === 0 ? { uid, gid } : null;
    const place = { directory: join(folder, 'cluster'), exists: true, user };
    mkdirSync(folder, { mode: 0o755 });
    await copyCluster(primary, place.directory);
    const { username, password } = new URL(primary.ownerUrl);
    const source = `host=127.0.0.1 port=${primary.port} user=${username} password=${password}`;
    const settings = `\nprimary_conninfo = '${source}'\ncluster_name = '${name}'\nwal_retrieve_retry_interval = '100ms'\n`;
    appendFileSync(join(place.directory, 'postgresql.auto.conf'), settings);
    const signal = join(place.directory, 'standby.signal');
    writeFileSync(signal, '');
    for (const file of [signal, join(place.directory, 'backup_label')]) chownSync(file, uid, gid);
    return new Standby(place, binariesFor(user, locateBinaries(), say), folder, await freePort());
  }

  /** The address of one of the primary's databases on the standby. */
  urlOf(primaryUrl: string): string {
    const url = new URL(primaryUrl);
    url.port = String(this.port);
    return url.toString();
  }

  /** Resolves when it can be read from. */
  async start(): Promise<void> {
    const options = { startLog: join(this.folder, 'start.log'), durable: false, say };
    const outcome = await launchPostmaster(this.place, this.binaries, this.port, options);
    if (outcome.kind !== 'running') throw new Error(`The standby did not start: ${outcome.reason}`);
    this.pid = outcome.postmaster.pid;
  }

  /** Ends it as a crash of its machine would: nobody is told. */
  async kill(): Promise<void> {
    process.kill(this.pid, 'SIGQUIT');
    const gone = await eventually(() => !isPostmasterOf(this.pid, this.place.directory), 10_000);
    if (!gone) throw new Error('The standby does not end');
  }

  async remove(): Promise<void> {
    await stopPostmaster(this.place, this.binaries, this.pid);
    removeFolder(this.folder);
  }
}

async function copyCluster(primary: EmbeddedDatabase, directory: string): Promise<void> {
  const owner = new Client({ connectionString: primary.ownerUrl });
  await owner.connect();
  try {
    await owner.query(`SELECT pg_backup_start('standby', true)`);
    execFileSync('cp', ['-a', primary.directory, directory]);
    for (const name of OWN_TO_A_PROCESS) rmSync(join(directory, name), { recursive: true, force: true });
    const { rows } = await owner.query<{ labelfile: string }>('SELECT labelfile FROM pg_backup_stop(false)');
    writeFileSync(join(directory, 'backup_label'), rows[0]?.labelfile ?? '');
  } finally {
    await owner.end();
  }
}

/** A migrated market on a primary and the standby that follows it. */
export interface ReplicatedDatabase {
  readonly urls: DatabaseUrls;
  readonly standby: Standby;
  stop(): Promise<void>;
}

/** @param folder where both lie; whoever made it removes it */
export async function replicatedDatabase(folder: string): Promise<ReplicatedDatabase> {
  const primary = await startEmbeddedPostgres({ dataDir: join(folder, 'primary'), durable: false, say });
  const urls = { ownerUrl: primary.ownerUrl, applicationUrl: primary.appUrl };
  await migrate(urls.ownerUrl, urls.applicationUrl);
  const standby = await Standby.of(primary, join(folder, 'standby'), 'standby');
  await standby.start();
  const stop = async (): Promise<void> => {
    await standby.remove();
    await primary.stop();
  };
  return { urls, standby, stop };
}
