import { once } from 'node:events';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EmbeddedLab, firstLine } from '../../../test/support/embedded-lab';
import { acquireServerLock } from './server-lock';

describe('the lock of a server', () => {
  const lab = new EmbeddedLab();
  afterEach(() => lab.tidy());
  afterAll(() => lab.close());

  it('keeps a second server off the DATA_DIR, and lets it in when the first has ended', async () => {
    const dataDir = lab.newDataDir();
    const lock = acquireServerLock(dataDir);
    const refusal =
      `Another GridTokenX server (pid ${process.pid}) already uses DATA_DIR ${dataDir}: ` +
      'stop it or choose another DATA_DIR.';

    expect(() => acquireServerLock(dataDir)).toThrow(refusal);
    expect(await firstLine(lab.child('server.js', [dataDir]))).toBe(refusal);

    lock.release();
    expect(await firstLine(lab.child('server.js', [dataDir]))).toBe('locked');
  });

  it('is free again after kill -9', async () => {
    const dataDir = lab.newDataDir();
    const server = lab.child('server.js', [dataDir]);
    await firstLine(server);
    expect(() => acquireServerLock(dataDir)).toThrow(`(pid ${server.pid})`);

    server.kill('SIGKILL');
    await once(server, 'exit');
    acquireServerLock(dataDir).release();
    expect(readdirSync(join(dataDir, 'locks'))).toEqual([]);
  });

  it('is free when the pid of the killed server belongs to another process by now', () => {
    const dataDir = lab.newDataDir();
    mkdirSync(join(dataDir, 'locks'), { recursive: true });
    writeFileSync(join(dataDir, 'locks', `server.${process.pid}.12345-00000000.0123456789ab`), '');
    writeFileSync(join(dataDir, 'locks', `server.${process.pid}.12345-00000000.0123456789ab.held`), '');

    acquireServerLock(dataDir).release();
    expect(readdirSync(join(dataDir, 'locks'))).toEqual([]);
  });

  it('goes to exactly one of many servers that start at the same moment', async () => {
    const dataDir = lab.newDataDir();
    const servers = Array.from({ length: 6 }, () => lab.child('server.js', [dataDir]));
    const answers = await Promise.all(servers.map(firstLine));

    expect(answers.filter((answer) => answer === 'locked')).toHaveLength(1);
    expect(answers.filter((answer) => answer.startsWith('Another GridTokenX server'))).toHaveLength(5);
  });

  it('says so when the DATA_DIR cannot be made', () => {
    const dataDir = join(__filename, 'data');
    expect(() => acquireServerLock(dataDir)).toThrow(
      `DATA_DIR ${dataDir} cannot be created because a part of that path is a file, not a folder: ` +
        'choose another DATA_DIR.',
    );
  });
});
