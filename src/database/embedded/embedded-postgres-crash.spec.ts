import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { Client } from 'pg';
import { ask, EmbeddedLab, postmasterOf, type Starter } from '../../../test/support/embedded-lab';
import { locateBinaries } from './binaries';
import { eventually, isRunning } from './os-process';
import { launchPostmaster } from './postmaster';
import { binariesFor } from './system-home';

describe('embedded PostgreSQL after', () => {
  const lab = new EmbeddedLab();
  afterEach(() => lab.tidy());
  afterAll(() => lab.close());

  async function kill9({ process: child }: Starter): Promise<void> {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  it('kill -9 of the process that started it goes on and is taken over', async () => {
    const dataDir = await lab.dataDir();
    const starter = lab.starter(dataDir);
    const { ownerUrl, directory } = await starter.started;
    await ask(ownerUrl, `CREATE TABLE kept AS SELECT 1814925 AS wh`);
    const pid = postmasterOf(directory);
    await kill9(starter);

    const database = await lab.open(dataDir);
    expect(database.origin).toBe('taken-over');
    expect(postmasterOf(directory)).toBe(pid);
    expect(await ask(database.ownerUrl, 'SELECT wh FROM kept')).toEqual([{ wh: 1814925 }]);
  });

  it('kill -9 of a process that was making the cluster begins anew', async () => {
    const dataDir = lab.newDataDir();
    const starter = lab.starter(dataDir);
    starter.started.catch(() => undefined);
    const beginning = () =>
      existsSync(dataDir) && readdirSync(dataDir).some((name) => name.startsWith('postgres.new-'));
    expect(await eventually(beginning, 30_000, 1)).toBe(true);
    await kill9(starter);

    const database = await lab.open(dataDir);
    expect(database.origin).toBe('created');
    expect(beginning()).toBe(false);
    expect(await ask(database.appUrl, 'SELECT 1 AS alive')).toEqual([{ alive: 1 }]);
  });

  it('kill -9 between the making of the cluster and of its roles goes on from there', async () => {
    const dataDir = lab.newDataDir();
    const starter = lab.starter(dataDir);
    starter.started.catch(() => undefined);
    expect(await eventually(() => existsSync(join(dataDir, 'postgres')), 80_000, 1)).toBe(true);
    await kill9(starter);

    const database = await lab.open(dataDir);
    expect(database.origin).not.toBe('created');
    expect(await ask(database.appUrl, 'SELECT current_user AS role')).toEqual([{ role: 'gridtokenx_app' }]);
  });

  it('kill -9 of the postmaster recovers, without waiting for a busy backend to notice', async () => {
    const dataDir = await lab.dataDir();
    const { ownerUrl, directory } = await lab.open(dataDir);
    await ask(ownerUrl, `CREATE TABLE kept AS SELECT 1968726 AS wh`);
    const busy = new Client({ connectionString: ownerUrl });
    busy.on('error', () => undefined);
    await busy.connect();
    const computing = busy
      .query('DO $$ BEGIN WHILE true LOOP END LOOP; END $$')
      .catch((error: Error) => error.message);
    const active = async () =>
      (
        await ask(ownerUrl, `SELECT pid FROM pg_stat_activity WHERE query LIKE 'DO %' AND state = 'active'`)
      )[0]?.['pid'];
    let backend = await active();
    while (backend === undefined) backend = await active();
    const postmaster = postmasterOf(directory);
    process.kill(postmaster, 'SIGKILL');
    expect(await eventually(() => !isRunning(postmaster), 5_000)).toBe(true);
    expect(isRunning(Number(backend))).toBe(true);

    const database = await lab.open(dataDir);
    expect(database.origin).toBe('started');
    expect(isRunning(Number(backend))).toBe(false);
    expect(await computing).toContain('terminated');
    expect(await ask(database.ownerUrl, 'SELECT wh FROM kept')).toEqual([{ wh: 1968726 }]);
  });

  describe('a stop, with a lock file that', () => {
    let other: ChildProcess | undefined;
    afterEach(() => other?.kill('SIGKILL'));

    async function stoppedWithLockFile(dataDir: string, pid: number): Promise<string> {
      const { directory, stop } = await lab.open(dataDir).then((database) => ({
        directory: database.directory,
        stop: () => database.stop(),
      }));
      const file = join(directory, 'postmaster.pid');
      const lines = readFileSync(file, 'utf8').split('\n');
      await stop();
      writeFileSync(file, [String(pid), ...lines.slice(1)].join('\n'));
      return directory;
    }

    it('names a process that is gone starts', async () => {
      const gone = spawn('true');
      await once(gone, 'exit');
      const dataDir = await lab.dataDir();
      await stoppedWithLockFile(dataDir, Number(gone.pid));

      expect((await lab.open(dataDir)).origin).toBe('started');
    });

    it('names another process of the same user by now starts and says so', async () => {
      const dataDir = await lab.dataDir();
      const first = await lab.open(dataDir);
      const { uid, gid } = statSync(first.directory);
      other = spawn('sleep', ['300'], { uid, gid, stdio: 'ignore' });
      const directory = await stoppedWithLockFile(dataDir, Number(other.pid));

      expect((await lab.open(dataDir)).origin).toBe('started');
      expect(lab.sentences).toContain(
        `The lock file in ${directory} named process ${other.pid}, which is not its PostgreSQL any more: it was removed.`,
      );
      expect(isRunning(Number(other.pid))).toBe(true);
    });
  });

  describe('its port', () => {
    let rival: Server;
    afterEach(() => rival.close());

    it('was taken in the last moment notices', async () => {
      const dataDir = await lab.dataDir();
      const database = await lab.open(dataDir);
      await database.stop();
      rival = createServer().listen(0, '127.0.0.1');
      await once(rival, 'listening');
      const address = rival.address();
      const port = typeof address === 'object' && address ? address.port : 0;
      const { uid, gid } = statSync(database.directory);
      const user = process.getuid?.() === 0 ? { uid, gid } : null;
      const say = (sentence: string) => void lab.sentences.push(sentence);

      const outcome = await launchPostmaster(
        { directory: database.directory, exists: true, user },
        binariesFor(user, locateBinaries(), say),
        port,
        { startLog: join(dataDir, 'postgres-start.log'), durable: false, say },
      );
      expect(outcome).toMatchObject({ kind: 'port-taken' });
    });
  });
});
