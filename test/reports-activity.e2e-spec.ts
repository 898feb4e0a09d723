import { availableParallelism } from 'node:os';
import { Client } from 'pg';
import { ReportsService } from '../src/monitoring/reports/reports.service';
import { startApp, type Person, type TestApp } from './support/app';
import { asOwner } from './support/database';
import { eventually, until } from './support/eventually';

const DB = '/api/admin/db';

interface FoundFinding {
  readonly severity: string;
  readonly subject: string;
  readonly detail: string;
  readonly remedy: string;
}

describe('reports on what PostgreSQL does', () => {
  let app: TestApp;
  let auditor: Person;
  let clients: Client[] = [];

  beforeAll(async () => {
    app = await startApp({ DB_POOL_MAX: '4' });
    auditor = await app.registers({ role: 'auditor' });
  });
  afterEach(async () => {
    await Promise.all(clients.map((client) => client.end()));
    clients = [];
  });
  afterAll(() => app.close());

  /** A session of the owner that is gone after the test, and its process on the server. */
  const session = async (name: string) => {
    const client = new Client({ connectionString: app.urls.ownerUrl, application_name: name });
    client.on('error', () => undefined);
    await client.connect();
    clients.push(client);
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    return { client, pid: rows[0]?.pid ?? 0 };
  };
  const report = async (name: string) => {
    const { status, body } = await app.get(`${DB}/${name}`, { as: auditor });
    if (status !== 200 || body.available !== true)
      throw new Error(`${name}: ${status} ${JSON.stringify(body)}`);
    return body;
  };
  const findingOn = (body: { findings: FoundFinding[] }, subject: string) =>
    body.findings.find((finding) => finding.subject === subject);
  const untilFound = (name: string, subject: string) =>
    eventually(
      () => report(name),
      (body) => findingOn(body, subject) !== undefined,
    );

  describe('locks', () => {
    beforeAll(async () => {
      const { client } = await session('setup');
      await client.query('CREATE TABLE doors (id int PRIMARY KEY, owner text)');
      await client.query(`INSERT INTO doors VALUES (1, 'a'), (2, 'b')`);
    });

    it('show who waits for whom as a tree, and how to end who stands at the top', async () => {
      const [first, second, third] = [
        await session('first of three'),
        await session('second of three'),
        await session('third of three'),
      ];
      for (const { client } of [first, second]) await client.query('BEGIN');
      await first.client.query('UPDATE doors SET owner = $1 WHERE id = 1', ['c']);
      await second.client.query('UPDATE doors SET owner = $1 WHERE id = 2', ['d']);
      const waiting = [second.client.query(`UPDATE doors SET owner = 'a secret' WHERE id = 1`)];
      await untilFound('locks', `session ${first.pid}`);
      waiting.push(third.client.query('UPDATE doors SET owner = NULL WHERE id = 2'));
      const body = await eventually(
        () => report('locks'),
        ({ rows }) => rows.length === 3,
      );

      expect(body.rows).toMatchObject([
        { depth: 0, pid: first.pid, blockedBy: [], lock: null, state: 'idle in transaction' },
        {
          depth: 1,
          pid: second.pid,
          blockedBy: [String(first.pid)],
          lock: 'transactionid ShareLock',
          relation: 'doors',
          application: 'second of three',
          state: 'active',
          statement: 'UPDATE doors SET owner = ? WHERE id = ?',
        },
        { depth: 2, pid: third.pid, blockedBy: [String(second.pid)], relation: 'doors' },
      ]);
      expect(Date.parse(body.rows[1].waitingSince)).toBeLessThanOrEqual(
        Date.parse(body.rows[2].waitingSince),
      );
      expect(body.findings).toEqual([
        {
          severity: 'warn',
          subject: `session ${first.pid}`,
          detail: expect.stringMatching(
            /^first of three, idle in transaction for .+ keeps 2 waiting, the longest for /,
          ),
          remedy: expect.stringContaining(`/api/admin/db/backends/${first.pid}/terminate`),
        },
      ]);
      expect(body.summary).toEqual({ waiting: 2, roots: 1 });

      for (const { client } of [first, second]) {
        await client.query('ROLLBACK');
        await waiting.shift();
      }
      expect((await report('locks')).rows).toEqual([]);
    });

    it('name a statement at work that can be cancelled, and what waits in the queue behind a waiting one', async () => {
      const [reader, changer, latecomer] = [
        await session('reader'),
        await session('changer'),
        await session('latecomer'),
      ];
      const reads = reader.client.query('SELECT pg_sleep(60) FROM doors').catch(() => undefined);
      await until(async () => (await report('connections')).rows.some(isActive('reader')));
      const changes = changer.client.query('ALTER TABLE doors ADD COLUMN colour text');
      await untilFound('locks', `session ${reader.pid}`);
      const comes = latecomer.client.query('SELECT count(*) FROM doors');
      const body = await eventually(
        () => report('locks'),
        ({ rows }) => rows.length === 3,
      );

      expect(body.rows.map(({ depth, pid }: { depth: number; pid: number }) => [depth, pid])).toEqual([
        [0, reader.pid],
        [1, changer.pid],
        [2, latecomer.pid],
      ]);
      expect(body.rows[1]).toMatchObject({ lock: 'relation AccessExclusiveLock', relation: 'doors' });
      expect(findingOn(body, `session ${reader.pid}`)?.remedy).toContain(
        `/api/admin/db/backends/${reader.pid}/cancel`,
      );

      await asOwner(app.urls, 'SELECT pg_cancel_backend($1)', [reader.pid]);
      await reads;
      await Promise.all([changes, comes]);
    });
  });

  it('long-running names a statement and an idle transaction, with its age', async () => {
    const [busy, idle] = [await session('busy person'), await session('absent person')];
    const sleeps = busy.client.query(`SELECT pg_sleep(60), 'a secret'`).catch(() => undefined);
    await idle.client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    await idle.client.query('SELECT 42');
    const body = await eventually(
      () => report('long-running'),
      (answer) => [busy, idle].every(({ pid }) => findingOn(answer, `session ${pid}`) !== undefined),
    );

    expect(body.rows).toContainEqual(
      expect.objectContaining({
        pid: busy.pid,
        kind: 'statement',
        wait: 'Timeout: PgSleep',
        statement: 'SELECT pg_sleep(?), ?',
      }),
    );
    expect(findingOn(body, `session ${busy.pid}`)).toMatchObject({
      severity: 'warn',
      detail: expect.stringMatching(/^busy person as .+: statement for /),
      remedy: expect.stringContaining(`/backends/${busy.pid}/cancel`),
    });
    const row = body.rows.find(({ pid }: { pid: number }) => pid === idle.pid);
    expect(row).toMatchObject({ kind: 'idle in transaction', statement: 'SELECT ?' });
    expect(row.duration).toBeGreaterThanOrEqual(5_000);
    expect(row.transaction).toBeGreaterThanOrEqual(row.duration);
    expect(Date.now() - Date.parse(row.since)).toBeGreaterThanOrEqual(5_000);
    expect(findingOn(body, `session ${idle.pid}`)?.remedy).toContain(`/backends/${idle.pid}/terminate`);
    await asOwner(app.urls, 'SELECT pg_cancel_backend($1)', [busy.pid]);
    await sleeps;
  });

  describe('pool', () => {
    it('shows this process, its limit and every other application', async () => {
      await session('a neighbour');
      const body = await report('pool');

      expect(body.rows[0]).toMatchObject({ client: 'this process', waiting: 0, limit: 4 });
      expect(body.rows).toContainEqual(
        expect.objectContaining({ pool: 'a neighbour', total: 1, idle: 1, limit: null }),
      );
      expect(body.rows).toContainEqual(expect.objectContaining({ pool: 'gridtokenx' }));
      expect(body.summary).toMatchObject({
        cores: availableParallelism(),
        rule: 2 * availableParallelism() + 1,
      });
      expect(findingOn(body, 'pool of this process')).toBeUndefined();
    });

    it('names who waits while all connections are taken', async () => {
      let release = (): void => undefined;
      const held = new Promise<void>((resolve) => (release = resolve));
      const holders = Array.from({ length: 4 }, () => app.database.transaction(() => held));
      await until(() => app.database.poolState().total - app.database.poolState().idle === 4);
      const waits = app.database.query('SELECT 1');
      // A request would wait for a connection itself, to have its session checked.
      const body = await app.nest.get(ReportsService).read('pool', { limit: 50 }).finally(release);

      expect(body.rows[0]).toMatchObject({ total: 4, active: 4, idle: 0, waiting: expect.any(Number) });
      expect(body.findings).toContainEqual({
        severity: 'warn',
        subject: 'pool of this process',
        remedy: expect.stringContaining('DB_POOL_MAX'),
        detail: expect.stringMatching(/^\d waits? for a connection while 4 of 4 connections are taken$/),
      });
      await Promise.all([...holders, waits]);
    });
  });
});

const isActive =
  (name: string) =>
  ({ application, state }: { application: string; state: string }): boolean =>
    application === name && state === 'active';
