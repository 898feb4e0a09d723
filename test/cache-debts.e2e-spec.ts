import { createClient } from 'redis';
import { newId } from '../src/common/id';
import {
  closeCaches,
  connectedCache,
  RedisProcess,
  someEntry,
  until,
  type LabCache,
} from './support/cache-lab';
import { SeverableLine } from './support/severable-line';

/** As in production: what does not fit into it as a whole has to go in portions. */
const COMMAND_MS = 50;
const MANY = 5_000;

const manyTags = () => Array.from({ length: MANY }, () => `meter:stats:${newId()}`);

describe('invalidations that are many, late or meant for a server that is gone', () => {
  const servers: RedisProcess[] = [];
  const starts = async (...options: string[]): Promise<RedisProcess> => {
    const server = await RedisProcess.start(...options);
    servers.push(server);
    return server;
  };
  afterEach(async () => {
    await closeCaches();
    await Promise.all(servers.splice(0).map((server) => server.stop()));
  });

  /** Keeps an answer under a tag in both processes, and says what the other one is given afterwards. */
  async function keptInBoth({ cache: here }: LabCache, { cache: there }: LabCache, tag: string) {
    const entry = someEntry<string>({ tags: [tag] });
    await here.getOrCompute(entry, () => Promise.resolve('old'));
    await there.getOrCompute(entry, () => Promise.resolve('old'));
    return () => there.getOrCompute(entry, () => Promise.resolve('new'));
  }

  it('are taken by a busy Redis, thousands at once', async () => {
    const { url } = await starts();
    const [here, there] = [
      await connectedCache({ url, commandTimeoutMs: COMMAND_MS }),
      await connectedCache({ url }),
    ];
    const tags = manyTags();
    const given = await keptInBoth(here, there, tags.at(-1) as string);

    await here.cache.invalidate(tags);
    await until(() => here.cache.breaker === 'closed', 'the breaker');

    await until(async () => (await given()) === 'new', 'the new answer');
    expect(await given()).toBe('new');
  });

  it('are paid in portions after an outage, however many they are', async () => {
    const redis = await starts();
    const { url } = redis;
    const here = await connectedCache({ url, commandTimeoutMs: COMMAND_MS });
    const there = await connectedCache({ url });
    const tags = manyTags();
    const given = await keptInBoth(here, there, tags.at(-1) as string);

    redis.signal('SIGSTOP');
    for (let start = 0; start < tags.length; start += 100)
      await here.cache.invalidate(tags.slice(start, start + 100));
    redis.signal('SIGCONT');

    await until(() => here.cache.isAnswering(), 'the cache');
    await until(async () => (await given()) === 'new', 'the new answer');
    expect(await given()).toBe('new');
  });

  it('reach Redis by another connection where nothing comes over the old one any more', async () => {
    const redis = await starts();
    const line = await SeverableLine.to(redis.port);
    const here = await connectedCache({ url: line.url, commandTimeoutMs: COMMAND_MS });
    const there = await connectedCache({ url: redis.url });
    const tag = newId();
    const given = await keptInBoth(here, there, tag);

    line.silence(); // what is connected hears nothing any more; whoever connects now is served
    await here.cache.invalidate([tag]);

    await until(() => here.cache.isAnswering(), 'the cache');
    await until(async () => (await given()) === 'new', 'the new answer');
    expect(await given()).toBe('new');
    await line.stop();
  });

  it('follow an address to the new master where the old one lives on', async () => {
    const old = await starts('--repl-diskless-sync-delay', '0');
    const next = await starts('--replicaof', '127.0.0.1', String(old.port));
    const line = await SeverableLine.to(old.port);
    const here = await connectedCache({ url: line.url });
    const entry = someEntry<string>();
    await here.cache.getOrCompute(entry, () => Promise.resolve('old'));

    await command(next, 'REPLICAOF', 'NO', 'ONE');
    await command(old, 'REPLICAOF', '127.0.0.1', String(next.port));
    line.leadTo(next.port);
    await here.cache.invalidate(entry.tags);
    await until(() => here.cache.isAnswering(), 'the cache');

    await here.cache.getOrCompute(entry, () => Promise.resolve('new'));
    const there = await connectedCache({ url: next.url });
    expect(await there.cache.get(entry)).toBe('new');
    await line.stop();
  });
});

async function command(server: RedisProcess, ...words: string[]): Promise<void> {
  const client = createClient({ url: server.url });
  await client.connect();
  await client.sendCommand(words);
  await client.disconnect();
}
