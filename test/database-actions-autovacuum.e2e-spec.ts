import { join } from 'node:path';
import { startEmbeddedPostgres, type EmbeddedDatabase } from '../src/database/embedded/embedded-postgres';
import { migrate } from '../src/database/schema/migrate';
import { startApp, type TestApp } from './support/app';
import { asOwner } from './support/database';
import { eventually, until } from './support/eventually';
import { temporaryFolder } from './support/server-process';

const DB = '/api/admin/db';

interface Finding {
  readonly subject: string;
  readonly remedy: string;
}

/** On a server of its own: on that of all tests autovacuum would come to hundreds of databases first, and disturb them. */
describe('an autovacuum worker', () => {
  const folder = temporaryFolder();
  let database: EmbeddedDatabase;
  let app: TestApp;

  beforeAll(async () => {
    database = await startEmbeddedPostgres({
      dataDir: join(folder.path, 'database'),
      durable: false,
      say: () => undefined,
    });
    const urls = { ownerUrl: database.ownerUrl, applicationUrl: database.appUrl };
    await migrate(urls.ownerUrl, urls.applicationUrl);
    app = await startApp({}, urls);
  });
  afterAll(async () => {
    await app.close();
    await database.stop();
    folder.remove();
  });

  const owner = <Row>(text: string, values: unknown[] = []): Promise<Row[]> =>
    asOwner<Row>(app.urls, text, values);
  const worker = async (): Promise<number | undefined> =>
    (
      await owner<{ pid: number }>(
        `SELECT pid FROM pg_stat_activity WHERE datname = current_database()
            AND backend_type = 'autovacuum worker' AND query LIKE '%slowly%'`,
      )
    )[0]?.pid;

  it('is cancelled, as the reports locks and vacuum advise', async () => {
    await owner(`CREATE TABLE slowly (id int) WITH (autovacuum_vacuum_threshold = 0,
      autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1)`);
    await owner('INSERT INTO slowly SELECT generate_series(1, 100000)');
    await owner('DELETE FROM slowly');
    await owner('ALTER SYSTEM SET autovacuum_naptime = 1');
    await owner('SELECT pg_reload_conf()');
    const pid = await eventually(worker, (found) => found !== undefined);
    const advised = new RegExp(`/backends/${pid}/cancel .* autovacuum comes again`);
    // It is seen at work a moment before it tells how far it is.
    await eventually(
      () => app.get(`${DB}/vacuum`, { as: app.admin }),
      ({ body }) =>
        (body.findings as Finding[]).some((one) => one.subject === 'slowly' && advised.test(one.remedy)),
    );
    const answer = await app.post(`${DB}/backends/${pid}/cancel`, { as: app.admin });
    await until(async () => (await worker()) !== pid);

    expect(answer).toMatchObject({ status: 200, body: { pid, done: true } });
    const trail = await owner<{ action: string }>(
      'SELECT action FROM audit_logs WHERE entity_id = $1 ORDER BY id',
      [String(pid)],
    );
    expect(trail.at(-1)).toMatchObject({ action: 'database.backend_cancelled' });
  });
});
