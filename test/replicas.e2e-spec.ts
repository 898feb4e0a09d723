import { randomBytes } from 'node:crypto';
import { Logger, type LoggerService } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { DatabaseUrls } from '../src/database/database.module';
import { startApp, type TestApp } from './support/app';
import { asOwner } from './support/database';
import { eventually } from './support/eventually';
import { replicatedDatabase, type ReplicatedDatabase, type Standby } from './support/replica';
import { temporaryFolder } from './support/server-process';

const WHO = `SELECT current_setting('cluster_name') AS server`;
const LAG_MS = 5_000;

/** Writes down what is told of replicas. */
class Recorder implements LoggerService {
  readonly sentences: string[] = [];

  warn(message: unknown, ...context: unknown[]): void {
    if (context.at(-1) === 'Replicas') this.sentences.push(String(message));
  }

  log(): void {}
  error(): void {}
}

describe('a market with a replica', () => {
  const folder = temporaryFolder();
  const recorder = new Recorder();
  let database: ReplicatedDatabase;
  let standby: Standby;
  let urls: DatabaseUrls;
  let app: TestApp;

  const variables = () => ({
    DATABASE_REPLICA_URLS: standby.urlOf(urls.applicationUrl),
    DB_REPLICA_MAX_LAG_MS: String(LAG_MS),
  });
  /** Who answers: the standby by its name, the primary without one. */
  const who = async (read: 'query' | 'queryStale' = 'queryStale', of = app) =>
    (await of.database[read]<{ server: string }>(WHO))[0]?.server;
  const untilAnswering = (server: string, of = app) =>
    eventually(
      () => who('queryStale', of),
      (answer) => answer === server,
    );
  const onStandby = (text: string) => asOwner({ ...urls, ownerUrl: standby.urlOf(urls.ownerUrl) }, text);
  const metrics = async () => {
    const { body } = await app.get('/metrics');
    return String(body).match(/^database_replicas.*$/gm);
  };

  beforeAll(async () => {
    database = await replicatedDatabase(folder.path);
    ({ standby, urls } = database);
    app = await startApp(variables(), urls, recorder);
  });
  afterAll(async () => {
    await app.close();
    Logger.overrideLogger(false);
    await database.stop();
    folder.remove();
  });

  it('asks the replica for what may be stale, and the primary for everything else', async () => {
    await untilAnswering('standby');
    expect(await who('query')).toBe('');
    expect(await app.database.transaction(async (tx) => (await tx.query(WHO))[0])).toEqual({ server: '' });
    expect(await metrics()).toEqual([
      'database_replicas{state="used"} 1',
      'database_replicas{state="left_out"} 0',
    ]);
  });

  it('shows the public tape of trades from the replica', async () => {
    await untilAnswering('standby');
    const calls = async (ask: (text: string) => Promise<{ calls?: unknown }[]>) =>
      (
        await ask(`SELECT sum(calls)::int AS calls FROM pg_stat_statements
                   WHERE query ~ '^SELECT id, market, quantity_wh.* FROM trades'`)
      )[0]?.calls ?? 0;
    const before = [await calls(onStandby), await calls((text) => asOwner(urls, text))];
    expect((await app.get('/api/trading/trades')).body).toEqual({ items: [], nextCursor: null });
    const after = [await calls(onStandby), await calls((text) => asOwner(urls, text))];
    expect(after).toEqual([Number(before[0]) + 1, before[1]]);
  });

  it('shows everybody their own writes at once, however far the replica is behind', async () => {
    await untilAnswering('standby');
    await onStandby('SELECT pg_wal_replay_pause()');
    const owner = await app.registers();
    const serial = `OWN-${randomBytes(4).toString('hex')}`;
    const meter = { serial, zone: 'north', energySource: 'solar', capacityKw: '5.000', timeZone: 'UTC' };
    expect((await app.post('/api/meters', { as: owner, body: meter })).status).toBe(201);
    expect((await app.get('/api/meters', { as: owner })).body.items).toMatchObject([{ serial }]);
    const missing = `SELECT id FROM meters WHERE serial = '${serial}'`;
    expect(await onStandby(missing)).toEqual([]);
  });

  it('leaves the replica out when it is too far behind, and takes it in when it has caught up', async () => {
    await untilAnswering('');
    expect(await metrics()).toContain('database_replicas{state="left_out"} 1');
    await onStandby('SELECT pg_wal_replay_resume()');
    await untilAnswering('standby');
  });

  it('answers from the primary while the replica is away, and asks it again when it is back', async () => {
    await standby.kill();
    expect(await who()).toBe('');
    expect((await app.get('/api/trading/trades')).status).toBe(200);
    await standby.start();
    await untilAnswering('standby');
  });

  it('tells of each change once', () => {
    const place = `Replica 127.0.0.1:${standby.port}/gridtokenx`;
    const fit = `${place} answers reads that may be some seconds old`;
    const leftOut = `${place} is not used: it `;
    const { sentences } = recorder;
    expect(sentences.filter((told) => told !== fit && !told.startsWith(leftOut))).toEqual([]);
    // A machine that stands still for some seconds makes more changes than these.
    const turns = sentences.map((told) => told === fit);
    expect(turns.length).toBeGreaterThanOrEqual(5);
    expect(turns).toEqual(turns.map((_, index) => turns[0] === (index % 2 === 0)));
    expect(sentences).toContain(`${leftOut}is too far behind the primary`);
    expect(sentences.join()).not.toContain(new URL(urls.applicationUrl).password);
  });

  it('lets nothing be written there, by mistake either', async () => {
    await untilAnswering('standby');
    await expect(app.database.queryStale(`DELETE FROM idempotency_keys`)).rejects.toMatchObject({
      code: '25006',
    });
  });

  it("sends TypeORM's reads to the primary too, unless one asks for a replica", async () => {
    await untilAnswering('standby');
    const dataSource = app.nest.get(DataSource);
    const found: unknown = await dataSource
      .createQueryBuilder()
      .select(WHO.slice(7))
      .from('meters', 'm')
      .execute();
    expect(found).toContainEqual({ server: '' });
    const runner = dataSource.createQueryRunner('slave');
    expect(await runner.query(WHO)).toEqual([{ server: 'standby' }]);
    await runner.release();
  });

  it('waits no longer than a statement may take for a replica that hangs', async () => {
    const hasty = await startApp({ ...variables(), DB_STATEMENT_TIMEOUT_MS: '2000' }, urls);
    const backend = async () =>
      (
        await hasty.database.queryStale<{ pid: number; server: string }>(`${WHO}, pg_backend_pid() AS pid`)
      )[0];
    const hanging = await eventually(backend, (answer) => answer?.server === 'standby');
    process.kill(hanging?.pid as number, 'SIGSTOP');
    expect((await backend())?.server).toBe('');
    process.kill(hanging?.pid as number, 'SIGCONT');
    await hasty.close();
  });

  it('starts while its replica is away', async () => {
    await standby.kill();
    const late = await startApp(variables(), urls);
    expect(await who('queryStale', late)).toBe('');
    await standby.start();
    await untilAnswering('standby', late);
    await late.close();
  });

  it('never asks a server that is no standby of the primary', async () => {
    const stranger = new URL(process.env['TEST_APPLICATION_URL'] as string);
    const itself = urls.applicationUrl;
    const careful = await startApp(
      { ...variables(), DATABASE_REPLICA_URLS: `${stranger.toString()},${itself}` },
      urls,
    );
    expect(careful.database.poolState().replicas).toEqual({ used: 0, leftOut: 2 });
    await careful.close();
  });
});
