import { mkdirSync, writeFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { Client, Pool } from 'pg';
import { CacheService } from '../src/cache/cache.service';
import { newId } from '../src/common/id';
import { migrate, undoMigrations } from '../src/database/schema/migrate';
import { JobsService } from '../src/jobs/jobs.service';
import type { DeepHealth, NamedPart } from '../src/monitoring/health/part-health';
import { HealthChecks } from '../src/monitoring/health/health-checks';
import { startApp, type TestApp } from './support/app';
import { asOwner, migratedDatabase } from './support/database';
import { eventually, until } from './support/eventually';
import { VACANT_PORT } from './support/free-port';
import { SeverableLine } from './support/severable-line';

const ROUTE = '/api/admin/health';
const PARTS = ['database', 'migrations', 'cache', 'disk', 'replication', 'partitions', 'jobs', 'ledger'];

/** What a look finds now, whatever is kept. */
async function look(app: TestApp): Promise<DeepHealth> {
  await app.nest.get(CacheService).delete('health:check');
  const { status, body } = await app.get(ROUTE, { as: app.admin });
  expect(status).toBe(200);
  return body;
}

const partOf = ({ parts }: DeepHealth, name: string): NamedPart | undefined =>
  parts.find((part) => part.name === name);

const notUp = ({ parts }: DeepHealth): string[] =>
  parts.filter(({ status }) => status !== 'up').map(({ name }) => name);

const LATE = 'It is not known: there was no answer within 2 seconds';

const isLate = ({ detail }: NamedPart): boolean => detail === LATE;

/** All parts but this one are up; where the machine is busy others may be late at first, and this one too. */
async function expectTrouble(app: TestApp, name: string, trouble: Partial<NamedPart>): Promise<NamedPart> {
  const found = await eventually(
    () => look(app),
    (answer) => notUp(answer).join() === name && !isLate(partOf(answer, name) as NamedPart),
  );
  expect(found.status).toBe(trouble.status);
  expect(partOf(found, name)).toMatchObject(trouble);
  return partOf(found, name) as NamedPart;
}

const expectNothing = (app: TestApp) =>
  eventually(
    () => look(app),
    (answer) => answer.status === 'up' && notUp(answer).length === 0,
  );

/** `2026_01` of this month and those after it, and its first day. */
function month(ahead: number): { name: string; dashed: string } {
  const now = new Date();
  const dashed = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + ahead, 1))
    .toISOString()
    .slice(0, 7);
  return { name: dashed.replace('-', '_'), dashed };
}

describe('the deep check', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp();
  });
  afterAll(() => app.close());

  it('is for those who run the market', async () => {
    expect(await app.get(ROUTE)).toMatchObject({ status: 401 });
    expect(await app.get(ROUTE, { as: await app.registers() })).toMatchObject({ status: 403 });
    for (const role of ['operator', 'auditor'] as const)
      expect(await app.get(ROUTE, { as: await app.registers({ role }) })).toMatchObject({ status: 200 });
  });

  it('finds everything in order, and says what it looked at', async () => {
    const found = await expectNothing(app);
    expect(found).toMatchObject({ status: 'up', asOf: expect.stringMatching(/^\d{4}-.*Z$/) });
    expect(found.parts.map(({ name, status }) => ({ name, status }))).toEqual(
      PARTS.map((name) => ({ name, status: 'up' })),
    );
    for (const part of found.parts) expect(part).not.toHaveProperty('remedy');
    expect(partOf(found, 'disk')).toMatchObject({
      detail: expect.stringContaining('only by the monitoring of that server'),
      figures: { databaseBytes: expect.any(Number) },
    });
    expect(partOf(found, 'replication')).toMatchObject({
      detail: expect.stringContaining('No replicas are configured'),
    });
  });

  it('is kept for half a minute', async () => {
    const first = await look(app);
    await asOwner(app.urls, bookOf(newId(), 'lost', '7'));
    expect((await app.get(ROUTE, { as: app.admin })).body).toEqual(first);
    await asOwner(app.urls, `DELETE FROM ledger_accounts WHERE platform = 'lost'`);
  });

  it('names the partition that the next month lacks, and how to get it', async () => {
    const { name, dashed } = month(1);
    await asOwner(app.urls, `DROP TABLE meter_readings_${name}`);
    const part = await expectTrouble(app, 'partitions', {
      status: 'degraded',
      detail: `No partition takes the rows of meter_readings in ${dashed}`,
      figures: { missing: 1 },
    });
    await asOwner(app.urls, mendIn(part));
    await expectNothing(app);
  });

  it('names the partition that was detached, of this month too', async () => {
    const { name, dashed } = month(0);
    await asOwner(app.urls, `ALTER TABLE ledger_entries DETACH PARTITION ledger_entries_${name}`);
    const part = await expectTrouble(app, 'partitions', {
      status: 'down',
      detail: `No partition takes the rows of ledger_entries in ${dashed}`,
      remedy: expect.stringContaining('ATTACH PARTITION'),
    });
    await asOwner(app.urls, mendIn(part));
    await expectNothing(app);
  });

  it('names the asset whose balances do not add up to zero', async () => {
    await asOwner(app.urls, bookOf(newId(), 'lost', '7'));
    await expectTrouble(app, 'ledger', {
      status: 'down',
      detail: 'the balances of THB add up to 7 micro-units instead of zero',
      remedy: expect.stringContaining('/api/reconciliations/energy/run'),
    });
    await asOwner(app.urls, `DELETE FROM ledger_accounts WHERE platform = 'lost'`);
    await expectNothing(app);
  });

  it('names the asset of which a user has less than nothing', async () => {
    const { id } = await app.registers();
    await asOwner(
      app.urls,
      'ALTER TABLE ledger_accounts DROP CONSTRAINT ledger_accounts_user_never_negative',
    );
    await asOwner(app.urls, bookOf(newId(), 'lost', '5', 'energy:solar'));
    await asOwner(
      app.urls,
      `INSERT INTO ledger_accounts (id, user_id, asset, bucket, balance) VALUES ($1, $2, 'energy:solar', 'available', -5)`,
      [newId(), id],
    );
    await expectTrouble(app, 'ledger', {
      status: 'down',
      detail: '1 user account of energy:solar is below zero',
    });
    await asOwner(app.urls, `DELETE FROM ledger_accounts WHERE asset = 'energy:solar'`);
    await expectNothing(app);
  });

  it('names the job that failed for good', async () => {
    const jobs = new JobsService(app.urls);
    jobs.declare('test.fails', () => Promise.reject(new Error('the mail server is gone')));
    await jobs.onModuleInit();
    await jobs.onApplicationBootstrap();
    await app.database.transaction(async (tx) => {
      await jobs.enqueue(tx, 'test.fails', {});
      await tx.query(`UPDATE pgboss.job SET retry_limit = 0 WHERE name = 'test.fails'`);
    });
    const failed = `SELECT FROM pgboss.job WHERE name = 'test.fails' AND state = 'failed'`;
    await until(async () => (await asOwner(app.urls, failed)).length === 1);
    await jobs.onApplicationShutdown();
    await expectTrouble(app, 'jobs', {
      status: 'degraded',
      detail: '1 of test.fails failed within a day',
      figures: { waiting: 0, longestWaitMs: 0, failed: 1 },
    });
    await asOwner(
      app.urls,
      `UPDATE pgboss.job SET completed_on = now() - interval '25 hours' WHERE name = 'test.fails'`,
    );
    await expectNothing(app);
  });

  it('names the jobs that nobody takes, and calls a standstill one', async () => {
    await asOwner(app.urls, `SELECT pgboss.create_queue('test.unwanted', '{"policy": "standard"}')`);
    const wait = (time: string) =>
      asOwner(
        app.urls,
        `INSERT INTO pgboss.job (name, start_after) VALUES ('test.unwanted', now() - interval '${time}')`,
      );
    await wait('-1 hour'); // is meant for later
    await wait('1 minute');
    await expectNothing(app);
    await wait('10 minutes');
    await expectTrouble(app, 'jobs', {
      status: 'degraded',
      detail: expect.stringMatching(/^1 of test\.unwanted waits, for 10 min/),
    });
    await wait('2 hours');
    await expectTrouble(app, 'jobs', {
      status: 'down',
      detail: expect.stringMatching(/^2 of test\.unwanted wait, for 2 h/),
    });
    await asOwner(app.urls, `DELETE FROM pgboss.job WHERE name = 'test.unwanted'`);
    await expectNothing(app);
  });

  it('names the migration that was taken back', async () => {
    const undone = await undoMigrations(app.urls.ownerUrl);
    try {
      const lacking = await eventually(
        () => look(app),
        (answer) => {
          const part = partOf(answer, 'migrations') as NamedPart;
          return part.status !== 'up' && !isLate(part);
        },
      );
      expect(lacking.status).toBe('down');
      expect(partOf(lacking, 'migrations')).toMatchObject({
        status: 'down',
        detail: `Not applied: ${undone.join(', ')}`,
      });
    } finally {
      await migrate(app.urls.ownerUrl, app.urls.applicationUrl);
    }
    await eventually(
      () => look(app),
      ({ status }) => status === 'up',
    );
  });

  it('does not wait for a part that is late, nor hide the others behind it', async () => {
    const blocker = new Client({ connectionString: app.urls.ownerUrl });
    await blocker.connect();
    await blocker.query('BEGIN; LOCK TABLE ledger_accounts IN ACCESS EXCLUSIVE MODE');
    try {
      const found = await eventually(
        () => look(app),
        (answer) => notUp(answer).join() === 'ledger' && partOf(answer, 'ledger')?.detail === LATE,
      );
      expect(found.status).toBe('degraded');
      expect(partOf(found, 'ledger')).toMatchObject({ status: 'degraded' });
    } finally {
      await blocker.end(); // which ends its transaction
    }
    await expectNothing(app);
  });

  it('takes the checks of domains, and bears with one that fails', async () => {
    const checks = app.nest.get(HealthChecks);
    let fails = true;
    checks.declare('weather', () =>
      fails
        ? Promise.reject(new Error('the barometer is broken'))
        : Promise.resolve({ status: 'up' as const, detail: 'Sunny' }),
    );
    expect(() => checks.declare('weather', () => Promise.reject(new Error()))).toThrow(/rename one/);
    await expectTrouble(app, 'weather', {
      status: 'down',
      detail: 'It could not be looked at: the barometer is broken',
    });
    fails = false;
    expect(partOf(await look(app), 'weather')).toEqual({ name: 'weather', status: 'up', detail: 'Sunny' });
  });

  it('does not call down what only the connection has given up to wait for', async () => {
    const { ownerUrl } = app.urls;
    const pool = new Pool({ connectionString: ownerUrl, query_timeout: 10 });
    app.nest.get(HealthChecks).declare('tide', async () => {
      await pool.query('SELECT pg_sleep(1)');
      return { status: 'up', detail: 'High' };
    });
    const found = await eventually(
      () => look(app),
      (answer) => notUp(answer).join() === 'tide',
    );
    expect(partOf(found, 'tide')).toMatchObject({ status: 'degraded', detail: LATE });
    await pool.end();
  });
});

describe('the deep check of an embedded database', () => {
  it('sees the disk that its cluster lies on', async () => {
    const app = await startApp({ DATABASE_URL: '', DATABASE_MIGRATION_URL: '' });
    const { blocks, bsize } = await statfs(app.dataDir);
    const sizeBytes = blocks * bsize;
    const inside = partOf(await look(app), 'disk');
    expect(inside).toMatchObject({ figures: { sizeBytes, freeBytes: expect.any(Number) } });
    expect(inside?.detail).toContain(`are free where ${app.dataDir} lies`);
    const elsewhere = join(app.dataDir, 'elsewhere');
    mkdirSync(elsewhere);
    writeFileSync(join(app.dataDir, 'postgres-location.txt'), `${elsewhere}\n`);
    expect(partOf(await look(app), 'disk')?.detail).toContain(`are free where ${elsewhere} lies`);
    await app.close();
  });
});

describe('the deep check of a process that is cut off', () => {
  it('from Redis says so', async () => {
    const app = await startApp({ REDIS_URL: `redis://127.0.0.1:${VACANT_PORT}` });
    const found = await look(app);
    expect(found.status).toBe('degraded');
    expect(partOf(found, 'cache')).toMatchObject({
      status: 'degraded',
      remedy: expect.stringContaining('Redis'),
    });
    await app.close();
  });

  it('from PostgreSQL is answered to those whose session Redis knows', async () => {
    const urls = await migratedDatabase();
    const line = await SeverableLine.to(Number(new URL(urls.ownerUrl).port));
    const app = await startApp(
      { REDIS_URL: process.env['TEST_REDIS_URL'] as string },
      { ownerUrl: line.urlOf(urls.ownerUrl), applicationUrl: line.urlOf(urls.applicationUrl) },
    );
    await eventually(
      () => look(app),
      ({ status }) => status === 'up',
    );
    line.cut();
    const cutOff = async () => {
      await app.nest.get(CacheService).delete('health:check');
      return (await app.get(ROUTE, { as: app.admin })).body as Partial<DeepHealth>;
    };
    const found = (await eventually(
      cutOff,
      ({ parts }) => parts?.some(({ name, status }) => name === 'database' && status === 'down') === true,
    )) as DeepHealth;
    expect(found.status).toBe('down');
    expect(found.parts.map(({ name }) => name)).toEqual(PARTS);
    expect(partOf(found, 'cache')).toMatchObject({ status: 'up' });
    for (const name of ['partitions', 'jobs', 'ledger'])
      expect(partOf(found, name)).toMatchObject({ remedy: expect.any(String) });
    line.mend();
    await eventually(cutOff, ({ status }) => status === 'up');
    await app.close();
    await line.stop();
  });
});

/** The statement that a remedy names. */
const mendIn = ({ remedy = '' }: NamedPart): string => /^As the owner: (.+?)\. A job/.exec(remedy)?.[1] ?? '';

/** A balance that no transfer made. */
const bookOf = (id: string, platform: string, balance: string, asset = 'THB'): string =>
  `INSERT INTO ledger_accounts (id, platform, asset, bucket, balance)
   VALUES ('${id}', '${platform}', '${asset}', 'available', ${balance})`;
