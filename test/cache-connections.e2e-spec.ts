import { execFileSync, fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from 'redis';
import { newId } from '../src/common/id';
import { closeCaches, connectedCache, makeCache, RedisProcess, someEntry, until } from './support/cache-lab';
import { freePort } from './support/free-port';

afterEach(closeCaches);

describe('connections of a process', () => {
  let redis: RedisProcess;
  let observer: ReturnType<typeof createClient>;

  beforeAll(async () => {
    redis = await RedisProcess.start();
    observer = createClient({ url: redis.url });
    await observer.connect();
  });
  afterAll(async () => {
    await observer.disconnect();
    await redis.stop();
  });

  const others = async (): Promise<string[]> =>
    String(await observer.sendCommand(['CLIENT', 'LIST']))
      .trim()
      .split('\n')
      .filter((line) => !line.includes('cmd=client'));

  it.each([2, 3, 5])('are %s where so many are allowed, and each of them is used', async (maxConnections) => {
    const { cache } = await connectedCache({ url: redis.url, maxConnections, firstTierBytes: 0 });
    const entry = someEntry();
    await cache.getOrCompute(entry, () => Promise.resolve(1));
    // A heartbeat in between may have been the last command of the one that writes: then they look again.
    await until(async () => {
      for (let look = 0; look < maxConnections; look++)
        expect(await cache.getOrCompute(entry, () => Promise.resolve(2))).toBe(1);
      const lines = await others();
      expect(lines).toHaveLength(maxConnections);
      expect(
        lines.filter((line) => line.includes('cmd=subscribe') || line.includes('cmd=ping')),
      ).toHaveLength(1);
      return lines.filter((line) => line.includes('cmd=mget')).length === Math.max(1, maxConnections - 2);
    }, 'looks by all that read');
    await closeCaches();
    await until(async () => (await others()).length === 0, 'all of them closed');
  });

  it('are all made anew when one of them is lost', async () => {
    const { cache } = await connectedCache({ url: redis.url, maxConnections: 4 });
    for (let round = 0; round < 4; round++) {
      const [line] = (await others()).filter((one) => !one.includes('cmd=subscribe')).slice(round % 3);
      const id = /^id=(\d+)/.exec(line as string)?.[1] as string;
      await observer.sendCommand(['CLIENT', 'KILL', 'ID', id]);
      expect(await cache.getOrCompute(someEntry(), () => Promise.resolve(round))).toBe(round);
      await until(() => cache.isAnswering(), 'the cache');
      const entry = someEntry();
      expect(await cache.set(entry, round)).toBe(true);
      expect(await cache.get(entry)).toBe(round);
    }
    await until(async () => (await others()).length === 4, 'four connections');
  });

  it('never give out what was there before a write that this process has waited for', async () => {
    const { cache } = await connectedCache({ url: redis.url, maxConnections: 6, firstTierBytes: 0 });
    const entry = someEntry();
    for (let race = 0; race < 1_000; race++) {
      await cache.set(entry, race);
      const [first, second] = await Promise.all([cache.get(entry), cache.get(entry)]);
      expect([first, second]).toEqual([race, race]);
      await cache.invalidate(entry.tags);
      expect(await cache.get(entry)).toBeUndefined();
    }
  });
});

describe('a Redis that is reached by TLS', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gridtokenx-tls-'));
  const certificate = join(folder, 'certificate.pem');
  const children: ChildProcess[] = [];
  let redis: RedisProcess;
  let url: string;

  beforeAll(async () => {
    const key = join(folder, 'key.pem');
    execFileSync(
      'openssl',
      [
        ...[
          'req',
          '-x509',
          '-newkey',
          'ec',
          '-pkeyopt',
          'ec_paramgen_curve:prime256v1',
          '-nodes',
          '-days',
          '2',
        ],
        ...['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'],
        ...['-keyout', key, '-out', certificate],
      ],
      { stdio: 'ignore' },
    );
    const port = await freePort();
    const tls = ['--tls-port', String(port), '--tls-auth-clients', 'no'];
    redis = await RedisProcess.start(...tls, '--tls-cert-file', certificate, '--tls-key-file', key);
    url = `rediss://127.0.0.1:${port}`;
  });
  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL');
    await redis.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('is used by processes that know its authority', async () => {
    const [one, other] = await Promise.all([processOf(), processOf()]);
    const task = { type: 'callers', entry: someEntry(), callers: 100, counter: newId() };
    const answers = [one, other].map((child) => {
      child.send(task);
      return once(child, 'message');
    });
    for (const [answer] of await Promise.all(answers))
      expect(answer).toEqual({ type: 'answered', distinct: [7] });
    const observer = createClient({ url: redis.url });
    await observer.connect();
    expect(await observer.get(`gridtokenx:n:{${task.counter}}`)).toBe('1');
    await observer.disconnect();
  });

  it('is not used by one that does not: it says so, and computes', async () => {
    const { cache } = makeCache({ url });
    expect(await cache.getOrCompute(someEntry(), () => Promise.resolve(1))).toBe(1);
    await until(() => cache.breaker === 'open', 'the breaker');
    expect(await cache.isAnswering()).toBe(false);
  });

  /** Authorities beside those of Node are read when a process starts. */
  async function processOf(): Promise<ChildProcess> {
    const child = fork(join(__dirname, 'support/cache-process.mjs'), {
      env: { PATH: process.env['PATH'], REDIS_URL: url, NODE_EXTRA_CA_CERTS: certificate },
      execArgv: [],
    });
    children.push(child);
    await once(child, 'message');
    return child;
  }
});
