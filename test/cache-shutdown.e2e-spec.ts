import { closeCaches, connectedCache, RedisProcess, someEntry, until } from './support/cache-lab';
import { SeverableLine } from './support/severable-line';

const closing: { stop: () => Promise<unknown> }[] = [];

afterEach(async () => {
  await closeCaches();
  await Promise.all(closing.splice(0).map((one) => one.stop()));
});

it('a process that is stopped says what it owes, before Redis would have been tried again', async () => {
  const server = await RedisProcess.start();
  const line = await SeverableLine.to(server.port);
  closing.push(server, line);
  const cutOff = await connectedCache({ url: line.url });
  const other = await connectedCache({ url: server.url });
  const entry = someEntry();
  expect(await other.cache.getOrCompute(entry, () => Promise.resolve(1))).toBe(1);
  line.cut();
  await until(() => cutOff.cache.breaker === 'open', 'the breaker');
  await cutOff.cache.invalidate(entry.tags);
  line.mend();
  await cutOff.cache.onApplicationShutdown();
  await until(() => other.cache.peek(entry) === undefined, 'the message');
  expect(await other.cache.getOrCompute(entry, () => Promise.resolve(2))).toBe(2);
});

it('a process that is stopped while Redis is away does not wait for it', async () => {
  const server = await RedisProcess.start();
  closing.push(server);
  const { cache } = await connectedCache({ url: server.url, commandTimeoutMs: 100 });
  await server.kill();
  await until(() => cache.breaker === 'open', 'the breaker');
  await cache.invalidate(someEntry().tags);
  await cache.onApplicationShutdown();
  expect(cache.breaker).not.toBe('closed');
});
