import { Client } from 'pg';
import type { DatabaseUrls } from '../src/database/database.module';
import { migrate, migrationInfo, undoMigrations } from '../src/database/schema/migrate';
import { migrationFiles } from '../src/database/schema/migration-files';
import { HealthService } from '../src/monitoring/health/health.service';
import { startApp, type TestApp } from './support/app';
import { asOwner, migratedDatabase } from './support/database';
import { eventually, until } from './support/eventually';
import { VACANT_PORT } from './support/free-port';
import { SeverableLine } from './support/severable-line';

const READY = '/health/ready';

const untilReady = (app: TestApp, status: 200 | 503) =>
  eventually(
    () => app.get(READY),
    (answer) => answer.status === status,
  );

/** A 503 alone may also be that of a look that took too long. */
const untilMigrationsMiss = (app: TestApp) =>
  eventually(
    () => app.get(READY),
    ({ body }) => body.migrations === 'missing',
  );

describe('a process that is probed', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp({ REDIS_URL: process.env['TEST_REDIS_URL'] as string, DB_POOL_MAX: '2' });
  });
  afterAll(() => app.close());

  it('is alive and ready, with database, migrations and cache', async () => {
    expect(await app.get('/health/live')).toMatchObject({ status: 200, body: { status: 'ok' } });
    const ready = {
      status: 200,
      body: { status: 'ok', database: 'up', migrations: 'current', cache: 'up' },
    };
    await eventually(
      () => app.get(READY),
      ({ body }) => body.cache === 'up',
    );
    for (const path of [READY, '/health']) expect(await app.get(path)).toMatchObject(ready);
  });

  it('looks once for all who ask together', async () => {
    const looks = async () =>
      (
        await asOwner<{ calls: number }>(
          app.urls,
          `SELECT coalesce(sum(calls), 0)::int AS calls FROM pg_stat_statements
            WHERE query = 'SELECT name FROM migrations'
              AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())`,
        )
      )[0]?.calls ?? 0;
    const looked = async () => {
      const before = await looks();
      await Promise.all(Array.from({ length: 100 }, () => app.get(READY)));
      return (await looks()) - before;
    };
    // At first what was seen a moment ago still counts.
    expect(await eventually(looked, (times) => times > 0)).toBeLessThan(100);
  });

  it('stays ready while its own pool is used up: that is load, not an outage', async () => {
    let finish: () => void = () => undefined;
    const told = new Promise<void>((resolve) => (finish = resolve));
    const held = [1, 2].map(() => app.database.transaction(() => told));
    await until(() => app.database.poolState().total === 2 && app.database.poolState().idle === 0);
    const earlier = await lookedAt(app);
    await until(async () => (await lookedAt(app)) > earlier);
    expect(await untilReady(app, 200)).toMatchObject({ body: { database: 'up' } });
    finish();
    await Promise.all(held);
  });
});

/** How often this application's probe has been answered by PostgreSQL. */
async function lookedAt(app: TestApp): Promise<number> {
  await app.get(READY);
  const [session] = await asOwner<{ asked: Date }>(
    app.urls,
    `SELECT max(query_start) AS asked FROM pg_stat_activity
      WHERE datname = current_database() AND application_name = 'gridtokenx health' AND state = 'idle'`,
  );
  return session?.asked?.getTime() ?? 0;
}

describe('a process whose migrations', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp();
  });
  afterAll(() => app.close());

  it('are known by their files, as they are by their classes', async () => {
    const known = (await migrationInfo(app.urls.ownerUrl)).map(({ number, title }) => [number, title]);
    expect([...(await migrationFiles())]).toEqual(known);
  });

  it('were taken back is not ready, and names what is missing, until they are applied', async () => {
    const undone = await undoMigrations(app.urls.ownerUrl);
    try {
      const { status, body } = await untilMigrationsMiss(app);
      expect(status).toBe(503);
      expect(body).toMatchObject({ status: 'error', database: 'up', migrations: 'missing' });
      expect(body.details.migrations).toMatchObject({
        status: 'down',
        detail: `Not applied: ${undone.join(', ')}`,
        remedy: expect.stringContaining('db:migrate'),
      });
    } finally {
      await migrate(app.urls.ownerUrl, app.urls.applicationUrl);
    }
    expect((await untilReady(app, 200)).body).toMatchObject({ migrations: 'current' });
  });

  it('were never applied to its database is not ready either', async () => {
    await asOwner(app.urls, 'ALTER TABLE migrations RENAME TO migrations_elsewhere');
    try {
      const { status, body } = await untilMigrationsMiss(app);
      expect(status).toBe(503);
      expect(body).toMatchObject({ database: 'up', migrations: 'missing' });
      expect(body.details.migrations.detail).toContain('0001-foundation, 0002-users');
    } finally {
      await asOwner(app.urls, 'ALTER TABLE migrations_elsewhere RENAME TO migrations');
    }
    await untilReady(app, 200);
  });

  it('are older than what a newer release has applied beside it stays ready', async () => {
    await asOwner(
      app.urls,
      `INSERT INTO migrations (timestamp, name) VALUES (1795305609999, 'OfTomorrow1795305609999')`,
    );
    await undoMigrationByHand(app.urls, 'ListIndexes1795305600012');
    await untilMigrationsMiss(app); // by now it has looked
    await asOwner(
      app.urls,
      `INSERT INTO migrations (timestamp, name) VALUES (1795305600012, 'ListIndexes1795305600012')`,
    );
    expect((await untilReady(app, 200)).body).toMatchObject({ migrations: 'current' });
  });
});

const undoMigrationByHand = (urls: DatabaseUrls, name: string) =>
  asOwner(urls, 'DELETE FROM migrations WHERE name = $1', [name]);

describe('a process that is cut off', () => {
  it('from PostgreSQL is not ready, alive all the same, and ready again by itself', async () => {
    const urls = await migratedDatabase();
    const line = await SeverableLine.to(Number(new URL(urls.ownerUrl).port));
    const app = await startApp(
      {},
      { ownerUrl: line.urlOf(urls.ownerUrl), applicationUrl: line.urlOf(urls.applicationUrl) },
    );
    await untilReady(app, 200);
    line.cut();
    const { body } = await untilReady(app, 503);
    expect(body).toMatchObject({ status: 'error', database: 'down', migrations: 'unknown' });
    expect(JSON.stringify(body)).not.toMatch(/127\.0\.0\.1|gridtokenx_/);
    expect(await app.get('/health/live')).toMatchObject({ status: 200 });
    line.mend();
    expect((await untilReady(app, 200)).body).toMatchObject({ database: 'up', migrations: 'current' });
    await app.close();
    await line.stop();
  });

  it('from Redis stays ready, only degraded', async () => {
    const app = await startApp({ REDIS_URL: `redis://127.0.0.1:${VACANT_PORT}` });
    const { body } = await untilReady(app, 200);
    expect(body).toMatchObject({ status: 'ok', cache: 'degraded' });
    expect(body.details.cache).toMatchObject({
      status: 'degraded',
      remedy: expect.stringContaining('Redis'),
    });
    await app.close();
  });
});

describe('a process that is told to end', () => {
  it('is not ready any more, also for those who asked just before', async () => {
    const app = await startApp();
    const blocker = new Client({ connectionString: app.urls.ownerUrl });
    await blocker.connect();
    await blocker.query('BEGIN; LOCK TABLE migrations IN ACCESS EXCLUSIVE MODE');
    const asked = app.get(READY);
    await until(() => hasBegunToLook(app)); // a look that waits gives up soon: no more than this is waited for
    const ended = app.nest.close();
    await until(() => isDown(app));
    await blocker.query('COMMIT');
    expect(await asked).toMatchObject({ status: 503, body: { status: 'shutting_down' } });
    await ended;
    await blocker.end();
  });
});

const hasBegunToLook = (app: TestApp): boolean => app.nest.get(HealthService)['latest'] !== undefined;

const isDown = (app: TestApp): Promise<boolean> =>
  fetch(`${app.url}/health/live`).then(
    () => false,
    () => true,
  );
