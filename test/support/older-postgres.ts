import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createOlderCluster, locateOlderBinaries } from '../../bench/older-postgres';
import type { DatabaseUrls } from '../../src/database/database.module';
import { program, type Binaries } from '../../src/database/embedded/binaries';
import type { ClusterPlace } from '../../src/database/embedded/cluster-directory';
import { asUser } from '../../src/database/embedded/os-process';
import { userForNewCluster } from '../../src/database/embedded/postgres-user';
import { APP, databaseUrl, OWNER, prepareRoles } from '../../src/database/embedded/roles';
import { ensurePostgresInstalled } from './debian-program.mjs';
import { freePort } from './free-port';
import { removeFolder } from './remove-folder';

const MAJOR = 15;
const EPHEMERAL = [
  'fsync=off',
  'full_page_writes=off',
  'listen_addresses=127.0.0.1',
  'unix_socket_directories=',
];

/** The oldest PostgreSQL that is supported, as Debian has it, on a cluster of its own and with the libraries a test wants. */
export class OlderPostgres {
  private constructor(
    private readonly folder: string,
    private readonly place: ClusterPlace,
    private readonly binaries: Binaries,
    private readonly port: number,
    readonly urls: DatabaseUrls,
  ) {}

  /** Installs it where it is missing, and starts it with the two roles and their database, and no library loaded. */
  static async start(): Promise<OlderPostgres> {
    ensurePostgresInstalled(MAJOR, 'hypopg.so', `postgresql-${MAJOR}-hypopg`);
    const folder = mkdtempSync(join(tmpdir(), 'gridtokenx-older-'));
    chmodSync(folder, 0o755); // as root, PostgreSQL runs as another user, who has to come in
    const user = userForNewCluster(() => undefined);
    if (user !== null) chownSync(folder, user.uid, user.gid);
    const place = { directory: join(folder, 'postgres'), exists: false, user };
    const binaries = locateOlderBinaries(MAJOR);
    const passwords = { owner: password(), app: password() };
    createOlderCluster(place, binaries, passwords.owner);
    const port = await freePort();
    const older = new OlderPostgres(folder, place, binaries, port, {
      ownerUrl: databaseUrl(OWNER, passwords.owner, port),
      applicationUrl: databaseUrl(APP, passwords.app, port),
    });
    older.control('start', '');
    await prepareRoles(port, passwords);
    return older;
  }

  /** Starts it anew, with these libraries loaded; whoever is connected is cut off. */
  restart(libraries: string): void {
    this.control('stop');
    this.control('start', libraries);
  }

  remove(): void {
    this.control('stop');
    removeFolder(this.folder);
  }

  private control(command: 'start' | 'stop', libraries = ''): void {
    const settings = [...EPHEMERAL, `port=${this.port}`, `shared_preload_libraries=${libraries}`];
    const words =
      command === 'start'
        ? ['-l', join(this.folder, 'server.log'), '-o', settings.map((setting) => `-c ${setting}`).join(' ')]
        : ['-m', 'fast'];
    const { status, stdout } = spawnSync(
      program(this.binaries, 'pg_ctl'),
      [command, '-w', '-s', '-D', this.place.directory, ...words],
      { ...asUser(this.place.user), stdio: ['ignore', 'pipe', 'ignore'], encoding: 'utf8' },
    );
    if (status !== 0) throw new Error(`pg_ctl ${command} failed in ${this.place.directory}: ${stdout}`);
  }
}

const password = (): string => randomBytes(24).toString('base64url');
