import { createClient } from 'redis';
import type { CacheEntry } from '../src/cache/cache-entry';
import type { RedisGate } from '../src/cache/redis/redis-gate';
import { SCRIPTS } from '../src/cache/redis/redis-scripts';
import {
  closeCaches,
  connectedCache,
  RedisProcess,
  someEntry,
  until,
  type LabCache,
} from './support/cache-lab';

const open: { stop: () => Promise<unknown> }[] = [];

afterEach(async () => {
  await closeCaches();
  await Promise.all(open.splice(0).map((one) => one.stop()));
});

async function redis(...options: string[]): Promise<RedisProcess> {
  const server = await RedisProcess.start(...options);
  open.push(server);
  return server;
}

async function clientOf(server: RedisProcess): Promise<ReturnType<typeof createClient>> {
  const client = createClient({ url: server.url, socket: { reconnectStrategy: false } });
  client.on('error', () => undefined);
  await client.connect();
  open.unshift({ stop: () => client.disconnect().catch(() => undefined) });
  return client;
}

const answer = ({ cache }: LabCache, entry: CacheEntry<number>, value: number) =>
  cache.getOrCompute(entry, () => Promise.resolve(value));

const namespaceOf = ({ parts }: LabCache) => parts.shared?.gate.namespaceVersion;

describe('a process that connects for the first time', () => {
  it('does not trust what Redis was restarted with while nobody was there', async () => {
    const server = await redis();
    const before = await connectedCache({ url: server.url });
    const [dropped, kept] = [someEntry(), someEntry({ tags: [] })];
    for (const entry of [dropped, kept]) expect(await answer(before, entry, 1)).toBe(1);
    await (await clientOf(server)).sendCommand(['SAVE']);
    await before.cache.invalidate(dropped.tags);
    await before.cache.set(kept, 2);
    await closeCaches();
    await server.kill();
    await server.start();
    const [one, other] = await Promise.all([0, 1].map(() => connectedCache({ url: server.url })));
    for (const entry of [dropped, kept]) expect(await answer(one as LabCache, entry, 3)).toBe(3);
    // Once is enough.
    for (const entry of [dropped, kept]) expect(await answer(other as LabCache, entry, 4)).toBe(3);
  });

  it('trusts what others have kept on a Redis that runs as before', async () => {
    const server = await redis();
    const one = await connectedCache({ url: server.url });
    const entry = someEntry();
    expect(await answer(one, entry, 1)).toBe(1);
    await closeCaches();
    const other = await connectedCache({ url: server.url });
    expect(namespaceOf(other)).toBe(namespaceOf(one));
    expect(await answer(other, entry, 2)).toBe(1);
  });

  it('does not trust one that took the place of another', async () => {
    const first = await redis('--repl-diskless-sync-delay', '0');
    const second = await redis('--replicaof', '127.0.0.1', String(first.port));
    const one = await connectedCache({ url: first.url });
    const entry = someEntry();
    expect(await answer(one, entry, 1)).toBe(1);
    const client = await clientOf(second);
    const hasIt = async () => (await client.sendCommand(['DBSIZE'])) === 3;
    await until(hasIt, 'the replica');
    await first.kill();
    await client.sendCommand(['REPLICAOF', 'NO', 'ONE']);
    const other = await connectedCache({ url: second.url });
    expect(await answer(other, entry, 2)).toBe(2);
  });

  it('trusts nothing where Redis may not say which one it is', async () => {
    const server = await redis();
    const client = await clientOf(server);
    await client.sendCommand([
      ...['ACL', 'SETUSER', 'cache', 'on', '>secret', '~*', '&*', '+@all', '-info', '-script'],
    ]);
    const url = server.url.replace('//', '//cache:secret@');
    const one = await connectedCache({ url });
    const entry = someEntry();
    expect(await answer(one, entry, 1)).toBe(1);
    expect(await answer(one, entry, 2)).toBe(1);
    const other = await connectedCache({ url });
    expect(await answer(other, entry, 3)).toBe(3);
    expect(one.cache.breaker).toBe('closed');
  });
});

describe('scripts', () => {
  it('are known to Redis before anything is asked', async () => {
    const server = await redis();
    await connectedCache({ url: server.url });
    const known = await (
      await clientOf(server)
    ).sendCommand(['SCRIPT', 'EXISTS', ...SCRIPTS.map(({ hash }) => hash)]);
    expect(known).toEqual(SCRIPTS.map(() => 1));
  });

  it('may be forgotten: nobody keeps what he finds between the message and the new version', async () => {
    const server = await redis();
    const writer = await connectedCache({ url: server.url });
    const reader = await connectedCache({ url: server.url });
    const entry = someEntry();
    expect(await answer(reader, entry, 1)).toBe(1);
    // The other one hears of it, and asks, before the script that Redis had forgotten is there again.
    const { connection } = writer.parts.shared?.gate as RedisGate;
    const send = connection.send.bind(connection);
    const found: number[] = [];
    connection.send = async (key, command) => {
      if (command[0] === 'EVAL') {
        await until(() => reader.cache.peek(entry) === undefined, 'the message');
        found.push(await answer(reader, entry, 2));
      }
      return send(key, command);
    };
    await (await clientOf(server)).sendCommand(['SCRIPT', 'FLUSH']);
    await writer.cache.invalidate(entry.tags);
    expect(found).toEqual([1]);
    await until(() => reader.cache.peek(entry) === undefined, 'the second message');
    expect(await answer(reader, entry, 2)).toBe(2);
  });
});
