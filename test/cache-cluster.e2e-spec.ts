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

const SLOTS = 16_384;

describe('a cluster of three nodes', () => {
  let nodes: RedisProcess[] = [];

  beforeAll(async () => {
    const cluster = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '15000'];
    nodes = await Promise.all([0, 1, 2].map(() => RedisProcess.start(...cluster)));
    const clients = nodes.map(({ url }) => createClient({ url }));
    await Promise.all(clients.map((client) => client.connect()));
    const share = Math.ceil(SLOTS / nodes.length);
    await Promise.all(
      clients.map((client, index) => {
        const [first, last] = [index * share, Math.min(SLOTS, (index + 1) * share) - 1];
        return client.sendCommand(['CLUSTER', 'ADDSLOTSRANGE', String(first), String(last)]);
      }),
    );
    for (const { port } of nodes.slice(1))
      await clients[0]?.sendCommand(['CLUSTER', 'MEET', '127.0.0.1', String(port)]);
    const isWhole = async (client: (typeof clients)[number]) =>
      String(await client.sendCommand(['CLUSTER', 'INFO'])).includes('cluster_state:ok') &&
      String(await client.sendCommand(['CLUSTER', 'NODES']))
        .trim()
        .split('\n').length === 3;
    await until(async () => (await Promise.all(clients.map(isWhole))).every(Boolean), 'the cluster');
    await Promise.all(clients.map((client) => client.disconnect()));
  });
  afterEach(closeCaches);
  afterAll(() => Promise.all(nodes.map((node) => node.stop())));

  const answer = async ({ url: of }: RedisProcess, ...command: string[]): Promise<string> => {
    const client = await createClient({ url: of }).connect();
    try {
      return String(await client.sendCommand(command));
    } finally {
      await client.disconnect();
    }
  };

  const url = () => nodes.map((node) => node.url).join(',');
  const pair = (options: { commandTimeoutMs?: number } = {}) =>
    Promise.all([
      connectedCache({ ...options, url: url() }),
      connectedCache({ ...options, url: url(), firstTierBytes: 0 }),
    ]);

  it('keeps answers on all of them, and drops them by tag, key and pattern', async () => {
    const [one, other] = await pair();
    const [prefix, tag] = [`cluster-${newId()}`, newId()];
    const entries = Array.from({ length: 60 }, (_one, index) =>
      someEntry({ key: [prefix, String(index)], tags: [tag, newId()] }),
    );
    const loadAll = ({ cache }: LabCache, value: number) =>
      Promise.all(entries.map((entry) => cache.getOrCompute(entry, () => Promise.resolve(value))));
    expect(new Set(await loadAll(one, 1))).toEqual(new Set([1]));
    expect(new Set(await loadAll(other, 2))).toEqual(new Set([1]));
    await other.cache.invalidate([tag]);
    await until(() => entries.every((entry) => one.cache.peek(entry) === undefined));
    expect(new Set(await loadAll(one, 3))).toEqual(new Set([3]));
    expect(await other.cache.deletePattern(`${prefix}:*`)).toBe(60);
    await until(() => entries.every((entry) => one.cache.peek(entry) === undefined));
    expect(new Set(await loadAll(other, 4))).toEqual(new Set([4]));
    await one.cache.mset(entries.map((entry) => [entry, 5] as const));
    expect(new Set(await other.cache.mget(entries))).toEqual(new Set([5]));
  });

  it('loads a cold key once, and counts in one step', async () => {
    const [one, other] = await pair();
    const entry = someEntry();
    let loads = 0;
    const load = () => Promise.resolve(++loads);
    const asked = [one, other].flatMap(({ cache }) =>
      Array.from({ length: 200 }, () => cache.getOrCompute(entry, load)),
    );
    expect(new Set(await Promise.all(asked))).toEqual(new Set([1]));
    const counter = newId();
    await Promise.all([one, other].map(({ cache }) => cache.incrementWithTtl(counter, 60)));
    expect(await one.cache.incrementWithTtl(counter, 60)).toBe(3);
    expect((await one.cache.stats()).redis?.server?.usedMemoryBytes).toBeGreaterThan(0);
  });

  it('may lose a node for a while', async () => {
    const [one] = await pair({ commandTimeoutMs: 1_000 });
    const entries = Array.from({ length: 30 }, () => someEntry());
    const last = nodes[2] as RedisProcess;
    last.signal('SIGSTOP');
    try {
      await one.cache.invalidate(entries.flatMap(({ tags }) => tags));
      for (const entry of entries)
        expect(await one.cache.getOrCompute(entry, () => Promise.resolve(1))).toBe(1);
      expect(one.cache.breaker).not.toBe('closed');
    } finally {
      last.signal('SIGCONT');
    }
    await until(() => one.cache.isAnswering());
    const cached = async () => {
      const entry = someEntry<string>();
      const load = () => Promise.resolve(newId());
      return (await one.cache.getOrCompute(entry, load)) === (await one.cache.getOrCompute(entry, load));
    };
    await until(async () => (await Promise.all(Array.from({ length: 20 }, cached))).every(Boolean));
  });

  it('may lose the node that a process listens at, and that lives on: it listens at another one', async () => {
    const fourth = await RedisProcess.start('--cluster-enabled', 'yes', '--cluster-node-timeout', '15000');
    try {
      for (const { port } of nodes) await answer(fourth, 'CLUSTER', 'MEET', '127.0.0.1', String(port));
      const id = (await answer(fourth, 'CLUSTER', 'MYID')).trim();
      const hear = async (node: RedisProcess) =>
        new RegExp(`^${id} .* connected$`, 'm').test(await answer(node, 'CLUSTER', 'NODES'));
      await until(async () => (await Promise.all(nodes.map(hear))).every(Boolean), 'the fourth node');
      await until(async () => (await answer(fourth, 'CLUSTER', 'INFO')).includes('cluster_state:ok'));
      const listening = await connectedCache({ url: `${fourth.url},${url()}` });
      const lost = jest.spyOn(listening.parts.invalidations, 'lost');
      const entry = someEntry();
      await listening.cache.getOrCompute(entry, () => Promise.resolve(1));
      await answer(fourth, 'CLUSTER', 'RESET', 'SOFT');
      for (const node of nodes) await answer(node, 'CLUSTER', 'FORGET', id);
      await until(() => lost.mock.calls.length > 0, 'the loss');
      await until(() => listening.cache.isAnswering(), 'listening again');
      await until(async () => {
        await listening.cache.getOrCompute(entry, () => Promise.resolve(1));
        return listening.cache.peek(entry) !== undefined;
      }, 'the answer in memory');
      const other = await connectedCache({ url: url() });
      await other.cache.invalidate(entry.tags);
      await until(() => listening.cache.peek(entry) === undefined, 'the message');
      expect(await listening.cache.getOrCompute(entry, () => Promise.resolve(2))).toBe(2);
    } finally {
      await closeCaches();
      await fourth.stop();
    }
  });
});
