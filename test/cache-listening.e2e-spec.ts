import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { DataSource } from 'typeorm';
import { PostgresBus } from '../src/cache/postgres-bus';
import { loadConfig } from '../src/config/config';
import { applicationDataSource } from '../src/database/data-source-options';
import { DatabaseService } from '../src/database/database.service';
import { QueryEvents } from '../src/database/query-events';
import { Replicas } from '../src/database/replicas';
import { until } from './support/cache-lab';
import { emptyDatabase } from './support/database';

const closing: (() => unknown)[] = [];

afterAll(async () => {
  for (const close of closing.reverse()) await close();
});

/** A way to a server on which the first LISTEN gets lost, and everything after it. */
async function lossyLine(url: string): Promise<{ url: string; lost: () => number }> {
  const { hostname, port } = new URL(url);
  const sockets: Socket[] = [];
  let lost = 0;
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    let isHanging = false;
    near.on('data', (data) => {
      if (data.includes('LISTEN') && lost === 0) {
        lost++;
        isHanging = true;
      }
      if (!isHanging) far.write(data);
    });
    far.pipe(near);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const)
      one.on('error', () => undefined).on('close', () => other.destroy());
    sockets.push(near, far);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const line = new URL(url);
  line.hostname = '127.0.0.1';
  line.port = String((server.address() as AddressInfo).port);
  return { url: line.toString(), lost: () => lost };
}

it('PostgreSQL may never answer LISTEN: the process connects again', async () => {
  const { ownerUrl } = await emptyDatabase();
  const config = loadConfig({
    DATABASE_URL: ownerUrl,
    JWT_SECRET: 'a secret of tests only, 32 characters or more',
  });
  const source = await new DataSource(
    applicationDataSource(ownerUrl, config.environment, () => undefined),
  ).initialize();
  closing.push(() => source.destroy());
  const database = new DatabaseService(source, new QueryEvents(), new Replicas(config, source));
  const { url, lost } = await lossyLine(ownerUrl);
  const [bus, neighbour] = [new PostgresBus(url, database), new PostgresBus(ownerUrl, database)];
  closing.push(
    () => bus.close(),
    () => neighbour.close(),
  );
  let isListening = false;
  const heard: unknown[] = [];
  bus.start({
    listening: () => (isListening = true),
    lost: () => (isListening = false),
    heard: (invalidation) => heard.push(invalidation),
  });
  await until(() => isListening, 'listening');
  expect(lost()).toBe(1);
  await neighbour.publish({ tags: ['a tag'] });
  await until(() => heard.length > 0, 'the message');
  expect(heard).toEqual([{ tags: ['a tag'] }]);
});
