import { CacheService } from '../src/cache/cache.service';
import type { DatabaseUrls } from '../src/database/database.module';
import type { DeepHealth, NamedPart } from '../src/monitoring/health/part-health';
import { startApp, type TestApp } from './support/app';
import { asOwner } from './support/database';
import { eventually } from './support/eventually';
import { replicatedDatabase, type ReplicatedDatabase, type Standby } from './support/replica';
import { temporaryFolder } from './support/server-process';

describe('the deep check of a market with a replica', () => {
  const folder = temporaryFolder();
  let database: ReplicatedDatabase;
  let standby: Standby;
  let urls: DatabaseUrls;
  let app: TestApp;

  const replication = async (): Promise<NamedPart | undefined> => {
    await app.nest.get(CacheService).delete('health:check');
    const { body } = await app.get('/api/admin/health', { as: app.admin });
    return (body as DeepHealth).parts.find(({ name }) => name === 'replication');
  };
  const untilItIs = (status: NamedPart['status']) =>
    eventually(replication, (part) => part?.status === status);

  beforeAll(async () => {
    database = await replicatedDatabase(folder.path);
    ({ standby, urls } = database);
    app = await startApp(
      { DATABASE_REPLICA_URLS: standby.urlOf(urls.applicationUrl), DB_REPLICA_MAX_LAG_MS: '1500' },
      urls,
    );
  });
  afterAll(async () => {
    await app.close();
    await database.stop();
    folder.remove();
  });

  it('tells that it is used, and how far it is behind', async () => {
    const part = await untilItIs('up');
    expect(part).toMatchObject({ figures: { used: 1, leftOut: 0, standbys: 1, lagMs: expect.any(Number) } });
    expect(part?.detail).toMatch(/^1 of 1 replicas is used; the standby \S+ \(streaming\) is .+ behind$/);
  });

  it('tells that one is too far behind', async () => {
    await asOwner({ ...urls, ownerUrl: standby.urlOf(urls.ownerUrl) }, 'SELECT pg_wal_replay_pause()');
    await asOwner(urls, 'CREATE TABLE written_meanwhile AS SELECT generate_series(1, 1000)');
    const part = await eventually(replication, (found) => found?.figures?.['leftOut'] === 1);
    expect(part).toMatchObject({
      status: 'degraded',
      detail: expect.stringContaining('0 of 1 replicas are used, 1 left out'),
      remedy: expect.stringContaining('/api/admin/db/replication'),
    });
    expect(part?.detail).toMatch(/the standby \S+ \(streaming\) is .+ behind/);
    await asOwner({ ...urls, ownerUrl: standby.urlOf(urls.ownerUrl) }, 'SELECT pg_wal_replay_resume()');
    await untilItIs('up');
  });

  it('tells that one is away', async () => {
    await standby.kill();
    expect(await untilItIs('degraded')).toMatchObject({
      detail: expect.stringContaining('1 left out'),
    });
  });
});
