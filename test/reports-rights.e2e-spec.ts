import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import type { DatabaseUrls } from '../src/database/database.module';
import { migrate } from '../src/database/schema/migrate';
import { record } from '../src/monitoring/history/snapshot';
import { REPORTS } from '../src/monitoring/reports/reports';
import { startApp, type Person, type TestApp } from './support/app';
import { asOwner, emptyDatabase } from './support/database';
import { eventually } from './support/eventually';
import { historyRecorder } from './support/history-recorder';

const DB = '/api/admin/db';
type Row = Record<string, any>;

describe('reports of an owner who is no superuser and sees nothing of other roles', () => {
  const owner = `owner_${randomBytes(6).toString('hex')}`;
  let superuser: DatabaseUrls;
  let app: TestApp;
  let auditor: Person;
  let clients: Client[] = [];

  beforeAll(async () => {
    superuser = await emptyDatabase();
    const password = randomBytes(12).toString('hex');
    const database = new URL(superuser.ownerUrl).pathname.slice(1);
    await asOwner(
      superuser,
      `CREATE ROLE ${owner} LOGIN PASSWORD '${password}'; ALTER DATABASE ${database} OWNER TO ${owner};
       CREATE EXTENSION pg_stat_statements`,
    );
    const url = Object.assign(new URL(superuser.ownerUrl), { username: owner, password });
    const urls = { ...superuser, ownerUrl: url.toString() };
    await migrate(urls.ownerUrl, urls.applicationUrl);
    app = await startApp({}, urls);
    auditor = await app.registers({ role: 'auditor' });
    await asOwner(
      urls,
      `CREATE TABLE doors (id int PRIMARY KEY, colour text);
       INSERT INTO doors SELECT n, 'red' FROM generate_series(1, 10000) AS n;
       GRANT SELECT, UPDATE ON doors TO gridtokenx_app`,
    );
  });
  afterEach(async () => {
    await Promise.all(clients.map((client) => client.end()));
    clients = [];
  });
  afterAll(async () => {
    await app.close();
    await asOwner(superuser, `REASSIGN OWNED BY ${owner} TO CURRENT_USER; DROP OWNED BY ${owner}`);
    await asOwner(superuser, `DROP ROLE ${owner}`);
  });

  const session = async (connectionString: string, name: string) => {
    const client = new Client({ connectionString, application_name: name });
    client.on('error', () => undefined);
    await client.connect();
    clients.push(client);
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    return { client, pid: rows[0]?.pid ?? 0 };
  };
  const read = async (path: string): Promise<Row> => {
    const { status, body } = await app.get(`${DB}/${path}`, { as: auditor });
    expect({ path, status }).toEqual({ path, status: 200 });
    return body;
  };
  const snapshot = async (): Promise<void> => {
    const recorder = await historyRecorder(app.urls);
    await record(recorder).finally(() => recorder.end());
  };

  it('are all answered, or say what is missing', async () => {
    await snapshot();
    await snapshot();
    const absent: Row[] = [];
    for (const { name } of REPORTS) {
      const { status, body } = await app.get(`${DB}/${name}`, { as: auditor });
      if (body.available !== true) absent.push({ name, status, missing: body.missing, howTo: body.howTo });
    }

    expect(absent).toEqual([]);
  });

  it('name who waits for whom, and count the sessions that are hidden, now and in the history', async () => {
    const [first, second] = [
      await session(app.urls.applicationUrl, 'first at the door'),
      await session(app.urls.applicationUrl, 'second at the door'),
    ];
    await first.client.query('BEGIN');
    await first.client.query(`UPDATE doors SET colour = 'blue' WHERE id = 1`);
    const waits = second.client.query(`UPDATE doors SET colour = 'green' WHERE id = 1`);
    const body = await eventually(
      () => read('locks'),
      ({ rows }) => rows.length === 2,
    );
    await snapshot();

    expect(body['rows']).toMatchObject([
      { depth: 0, pid: first.pid, application: 'first at the door', state: 'hidden', statement: null },
      {
        depth: 1,
        pid: second.pid,
        blockedBy: [String(first.pid)],
        lock: 'transactionid ShareLock',
        relation: 'doors',
        state: 'hidden',
        statement: null,
      },
    ]);
    expect(body['findings']).toMatchObject([
      {
        subject: `session ${first.pid}`,
        detail: expect.stringMatching(/^first at the door keeps 1 waiting, the longest for /),
        remedy: expect.stringContaining(`/backends/${first.pid}/terminate`),
      },
    ]);
    const note = expect.stringContaining('GRANT pg_monitor TO the role of DATABASE_MIGRATION_URL');
    const pool = await read('pool');
    expect(pool['rows']).toContainEqual(
      expect.objectContaining({
        pool: 'first at the door',
        client: 'hidden',
        total: 1,
        active: 0,
        hidden: 1,
      }),
    );
    const history = await read('history');
    const point = history['rows'].at(-1);
    expect(point.waitingForLock).toBeGreaterThanOrEqual(1);
    expect(point.hidden).toBeGreaterThanOrEqual(2);
    for (const { notes } of [body, pool, history]) expect(notes).toContainEqual(note);

    await first.client.query('ROLLBACK');
    await waits;
  });

  it('tell of work on tables that it is there', async () => {
    const { client, pid } = await session(superuser.ownerUrl, 'slow vacuum');
    await client.query('SET vacuum_cost_delay = 100');
    await client.query('SET vacuum_cost_limit = 1');
    const runs = client.query('VACUUM (DISABLE_PAGE_SKIPPING) doors').catch(() => undefined);
    const seen = ({ rows }: Row) =>
      rows.find(({ state }: Row) => String(state).startsWith(`VACUUM by ${pid}:`));
    const body = await eventually(
      () => read('vacuum'),
      (answer) => seen(answer) !== undefined,
    );
    await asOwner(superuser, 'SELECT pg_cancel_backend($1)', [pid]);
    await runs;

    expect(seen(body)).toMatchObject({ table: '(hidden)', state: `VACUUM by ${pid}: hidden`, done: null });
  });

  it('do not say that a standby stands still of which they see nothing', async () => {
    const standby = new Client({
      connectionString: `${superuser.ownerUrl}?replication=true&application_name=follower`,
    });
    clients.push(standby);
    await standby.connect();
    const body = await eventually(
      () => read('replication'),
      ({ rows }) => rows.some(({ name }: Row) => name === 'follower'),
    );

    expect(body['rows']).toContainEqual(
      expect.objectContaining({ kind: 'standby', name: 'follower', state: 'hidden' }),
    );
    expect(body['findings'].map(({ subject }: Row) => subject)).not.toContain('follower');
  });

  it('say that statements of other roles are not among those they judge', async () => {
    const window = '?from=2026-01-01T00:00:00Z';
    for (const path of ['slow-queries', `slow-queries${window}`, 'indexes/advice'])
      expect((await read(path))['notes']).toContainEqual(
        expect.stringMatching(/^what other roles ask is not counted here.*: GRANT pg_monitor TO /),
      );
  });

  it('say that a right is missing for recorded statements', async () => {
    const missing = {
      available: false,
      missing: 'a right',
      howTo: expect.stringContaining('GRANT pg_monitor'),
    };
    await asOwner(superuser, 'REVOKE SELECT ON pg_stat_statements FROM PUBLIC');

    for (const path of ['queries/1', 'slow-queries', 'indexes/advice'])
      expect(await read(path)).toMatchObject(missing);
    await asOwner(superuser, 'GRANT SELECT ON pg_stat_statements TO PUBLIC');
  });
});
