import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createClient } from 'redis';
import { keyOf, type CacheEntry } from '../src/cache/cache-entry';
import { valueKey } from '../src/cache/redis/redis-keys';
import { newId } from '../src/common/id';
import {
  closeCaches,
  connectedCache,
  makeCache,
  RedisProcess,
  someEntry,
  until,
  type LabCache,
} from './support/cache-lab';
import { SeverableLine } from './support/severable-line';

/** Real for tests that wait for it to run out. */
const DEADLINE_MS = 100;

const servers: { stop: () => Promise<unknown> }[] = [];

afterEach(async () => {
  await closeCaches();
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

async function redis(...options: string[]): Promise<RedisProcess> {
  const server = await RedisProcess.start(...options);
  servers.push(server);
  return server;
}

/** Asks twice: the second answer is the first one's as soon as it is cached. */
async function isCaching({ cache }: LabCache): Promise<boolean> {
  const entry = someEntry<string>();
  const load = () => Promise.resolve(newId());
  return (await cache.getOrCompute(entry, load)) === (await cache.getOrCompute(entry, load));
}

const untilCaching = (lab: LabCache) => until(() => isCaching(lab), 'caching');

const answersWith = async ({ cache }: LabCache, entry: CacheEntry<number>, value: number) =>
  expect(await cache.getOrCompute(entry, () => Promise.resolve(value))).toBe(value);

/** Ends with the test. */
async function clientOf(server: RedisProcess): Promise<ReturnType<typeof createClient>> {
  const client = createClient({ url: server.url, socket: { reconnectStrategy: false } });
  client.on('error', () => undefined);
  await client.connect();
  servers.unshift({ stop: () => client.disconnect().catch(() => undefined) });
  return client;
}

async function run(server: RedisProcess, ...commands: string[][]): Promise<void> {
  const client = await clientOf(server);
  for (const command of commands) await client.sendCommand(command);
}

describe('Redis', () => {
  it('may be away at boot, and come later', async () => {
    const server = await RedisProcess.absent();
    servers.push(server);
    const lab = makeCache({ url: server.url });
    await lab.cache.onModuleInit();
    const entry = someEntry();
    await answersWith(lab, entry, 1);
    await answersWith(lab, entry, 2);
    expect(await lab.cache.isAnswering()).toBe(false);
    await lab.cache.invalidate(entry.tags);
    expect(await lab.cache.increment(newId())).toBe(1);
    await server.start();
    await untilCaching(lab);
    await until(() => lab.cache.isAnswering(), 'listening');
  });

  it('may be killed: answers are computed, and nothing from before counts when it is back', async () => {
    // It comes back with what it had saved: versions and answers of before.
    const server = await redis('--save', '1', '1', '--appendonly', 'yes', '--appendfsync', 'always');
    const [one, other] = [
      await connectedCache({ url: server.url }),
      await connectedCache({ url: server.url }),
    ];
    const entry = someEntry();
    await answersWith(one, entry, 1);
    await server.kill();
    await until(() => one.cache.breaker === 'open' && other.cache.breaker === 'open');
    await answersWith(one, entry, 2);
    await server.start();
    await untilCaching(one);
    await untilCaching(other);
    await answersWith(one, entry, 3);
    expect(await other.cache.getOrCompute(entry, () => Promise.resolve(4))).toBe(3);
    expect(other.parts.shared?.gate.namespaceVersion).toBe(one.parts.shared?.gate.namespaceVersion);
  });

  it('may be away for one process alone: what that one could not say counts when it is back', async () => {
    const server = await redis();
    const line = await SeverableLine.to(server.port);
    servers.push(line);
    const cutOff = await connectedCache({ url: line.url });
    const other = await connectedCache({ url: server.url });
    const entry = someEntry();
    await answersWith(other, entry, 1);
    line.cut();
    await until(() => cutOff.cache.breaker === 'open');
    await cutOff.cache.invalidate(entry.tags);
    line.mend();
    await untilCaching(cutOff);
    await until(() => other.cache.peek(entry) === undefined);
    expect(await other.cache.getOrCompute(entry, () => Promise.resolve(2))).toBe(2);
  });

  it('may hang: few wait for it, what it does not take is owed, and is paid first', async () => {
    const server = await redis();
    const one = await connectedCache({ url: server.url, commandTimeoutMs: DEADLINE_MS });
    const other = await connectedCache({ url: server.url, firstTierBytes: 0 });
    const entry = someEntry();
    await until(async () => {
      await answersWith(one, entry, 1);
      return (await other.cache.get(entry)) === 1;
    }, 'the answer in Redis');
    server.signal('SIGSTOP');
    await one.cache.invalidate(entry.tags);
    expect(one.cache.breaker).not.toBe('closed');
    let loads = 0;
    for (let asked = 0; asked < 1_000; asked++)
      await one.cache.getOrCompute(entry, () => Promise.resolve(++loads));
    expect(loads).toBe(1_000);
    server.signal('SIGCONT');
    await untilCaching(one);
    expect(await other.cache.get(entry)).toBeUndefined();
  });

  it('may be full: what is there is read, nothing is written, and invalidations still count', async () => {
    const server = await redis('--maxmemory-policy', 'noeviction');
    const lab = await connectedCache({ url: server.url });
    const reader = await connectedCache({ url: server.url, firstTierBytes: 0 });
    const [kept, dropped, tagless] = [someEntry(), someEntry(), someEntry({ tags: [] })];
    for (const entry of [kept, dropped, tagless]) await answersWith(lab, entry, 1);
    await run(server, ['CONFIG', 'SET', 'maxmemory', '1']); // less than it has, whatever goes
    expect(await isCaching(lab)).toBe(false);
    expect(lab.cache.breaker).toBe('closed');
    expect(await reader.cache.get(kept)).toBe(1);
    await lab.cache.invalidate(dropped.tags);
    await lab.cache.delete(tagless);
    for (const entry of [dropped, tagless]) {
      expect(await reader.cache.get(entry)).toBeUndefined();
      expect(lab.cache.peek(entry)).toBeUndefined();
    }
    expect(await lab.cache.set(kept, 5)).toBe(false);
    expect(await reader.cache.get(kept)).toBeUndefined();
    const { redis: report } = await lab.cache.stats();
    expect(report?.refusedForMemory).toBeGreaterThan(0);
    expect(report?.server?.maxMemoryBytes).toBe(1);
    await run(server, ['CONFIG', 'SET', 'maxmemory', '0']);
    await untilCaching(lab);
  });

  it('may end all connections', async () => {
    const server = await redis();
    const lab = await connectedCache({ url: server.url });
    const entry = someEntry();
    await answersWith(lab, entry, 1);
    await run(server, ['CLIENT', 'KILL', 'TYPE', 'normal'], ['CLIENT', 'KILL', 'TYPE', 'pubsub']);
    await until(() => lab.cache.breaker === 'open' || !lab.parts.first.isOpen);
    await lab.cache.getOrCompute(entry, () => Promise.resolve(2));
    await untilCaching(lab);
    await until(() => lab.cache.isAnswering());
    expect(lab.cache.breaker).toBe('closed');
  });

  it('may end the subscription: nothing is kept in memory until it is there again', async () => {
    const server = await redis();
    const [one, other] = [
      await connectedCache({ url: server.url }),
      await connectedCache({ url: server.url }),
    ];
    const entry = someEntry();
    await answersWith(one, entry, 1);
    expect(one.cache.peek(entry)?.value).toBe(1);
    await run(server, ['CLIENT', 'KILL', 'TYPE', 'pubsub']);
    await until(() => one.cache.peek(entry) === undefined);
    await other.cache.set(entry, 2);
    expect(await one.cache.getOrCompute(entry, () => Promise.resolve(3))).toBe(2);
    await until(async () => {
      await one.cache.getOrCompute(entry, () => Promise.resolve(3));
      return one.cache.peek(entry)?.value === 2;
    });
  });

  it('may hold something else than answers where answers should be', async () => {
    const server = await redis();
    const lab = await connectedCache({ url: server.url, firstTierBytes: 0 });
    for (const rubbish of ['', '{', '7', '"x"', '{"f":99,"v":1}', 'null', '[]']) {
      const entry = someEntry();
      await run(server, ['SET', valueKey(keyOf(entry)), rubbish]);
      await answersWith(lab, entry, 1);
      await answersWith(lab, entry, 1);
    }
    expect(lab.cache.breaker).toBe('closed');
  });
});

describe('what answers rubbish instead of Redis', () => {
  const rubbish: [string, (socket: Socket) => void][] = [
    ['HTTP', (socket) => socket.on('data', () => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'))],
    ['OK to everything', (socket) => socket.on('data', () => socket.write('+OK\r\n'))],
    ['more answers than questions', (socket) => socket.write('+PONG\r\n'.repeat(50))],
    ['half an array', (socket) => socket.on('data', () => socket.write('*7\r\n$3\r\nab'))],
    ['noise', (socket) => socket.on('data', () => socket.write(Buffer.from('fe00ff0d0a2a', 'hex')))],
    ['the end', (socket) => socket.on('data', () => socket.destroy())],
    ['nothing', (socket) => socket.resume()],
  ];

  async function listen(speak: (socket: Socket) => void): Promise<{ url: string; server: Server }> {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
      speak(socket);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    servers.push({
      stop: () => {
        for (const socket of sockets) socket.destroy();
        return new Promise((resolve) => server.close(resolve));
      },
    });
    return { server, url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}` };
  }

  it.each(rubbish)('such as %s is kept out of the way', async (_what, speak) => {
    const { url } = await listen(speak);
    const lab = makeCache({ url, commandTimeoutMs: DEADLINE_MS });
    const entry = someEntry();
    for (let n = 1; n <= 20; n++) await answersWith(lab, entry, n);
    await until(async () => {
      await answersWith(lab, entry, 0);
      return lab.cache.breaker !== 'closed';
    });
    await lab.cache.invalidate(entry.tags);
    expect(await lab.cache.deletePattern('*')).toBe(0);
    expect(await lab.cache.set(entry, 1)).toBe(false);
    await answersWith(lab, entry, 21);
    expect(await lab.cache.isAnswering()).toBe(false);
  });
});
