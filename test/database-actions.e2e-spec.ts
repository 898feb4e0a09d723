import { isDeepStrictEqual } from 'node:util';
import { Client } from 'pg';
import type { Principal } from '../src/auth/principal';
import { loadConfig } from '../src/config/config';
import { ReservedDatabase } from '../src/database/reserved-database';
import { ActionTrail } from '../src/monitoring/actions/action-trail';
import { ActionsService } from '../src/monitoring/actions/actions.service';
import { BackendsService } from '../src/monitoring/actions/backends.service';
import { QueryEvents } from '../src/database/query-events';
import { ReportDatabase } from '../src/monitoring/reports/report-database';
import { startApp, type Answer, type TestApp } from './support/app';
import { asOwner } from './support/database';
import { eventually, until } from './support/eventually';
import { IndexLab } from './support/index-lab';
import { ServerProcess } from './support/server-process';

const DB = '/api/admin/db';
const INJECTION = `users"; DROP TABLE bystander; --`;

interface Record {
  readonly action: string;
  readonly entity: string;
  readonly entity_id: string;
  readonly user_id: string;
  readonly before: any;
  readonly after: any;
}

describe('actions on the database', () => {
  let app: TestApp;
  let lab: IndexLab;
  let clients: Client[] = [];

  beforeAll(async () => {
    app = await startApp();
    lab = new IndexLab(app.urls);
    await owner('CREATE TABLE bystander (id int)');
  });
  afterEach(async () => {
    await Promise.all(clients.map((client) => client.end().catch(() => undefined)));
    clients = [];
    await lab.tidy();
  });
  afterAll(() => app.close());

  const owner = <Row = any>(text: string, values: unknown[] = []): Promise<Row[]> =>
    asOwner<Row>(app.urls, text, values);
  const act = (path: string, body?: unknown): Promise<Answer> =>
    app.post(`${DB}/${path}`, { as: app.admin, body });
  const trail = (entityId: string | number): Promise<Record[]> =>
    owner(
      `SELECT action, entity, entity_id, user_id, before, after FROM audit_logs
        WHERE action LIKE 'database.%' AND entity_id = $1 ORDER BY id`,
      [String(entityId)],
    );

  async function session(name: string, url = app.urls.ownerUrl): Promise<{ client: Client; pid: number }> {
    const client = new Client({ connectionString: url, application_name: name });
    client.on('error', () => undefined);
    await client.connect();
    clients.push(client);
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    return { client, pid: rows[0]?.pid ?? 0 };
  }
  const stateOf = async (pid: number): Promise<string | undefined> =>
    (await owner('SELECT state FROM pg_stat_activity WHERE pid = $1', [pid]))[0]?.state as string | undefined;

  /** Asks until an action has ended. */
  async function ended(id: string, of = app): Promise<any> {
    const { body } = await eventually(
      () => of.get(`${DB}/actions/${id}`, { as: of.admin }),
      ({ body: { state } }) => state === 'done' || state === 'failed',
    );
    return body;
  }

  describe('are for admins alone', () => {
    const routes = [
      'backends/1/cancel',
      'backends/1/terminate',
      'tables/users/analyze',
      'tables/users/vacuum',
      'indexes/users_pkey/reindex',
      'queries/1/explain',
    ];

    it.each(['operator', 'auditor', 'prosumer'] as const)('not for the role %s', async (role) => {
      const person = await app.registers({ role });

      for (const route of routes)
        expect(await app.post(`${DB}/${route}`, { as: person, body: {} })).toMatchObject({ status: 403 });
      // Whoever may read the reports may see what became of an action too.
      const id = '01890000-0000-7000-8000-000000000000';
      const status = role === 'prosumer' ? 403 : 404;
      expect(await app.get(`${DB}/actions/${id}`, { as: person })).toMatchObject({ status });
    });

    it('not for nobody', async () => {
      for (const route of routes) expect(await app.post(`${DB}/${route}`)).toMatchObject({ status: 401 });
    });
  });

  describe('on sessions', () => {
    it('cancel a statement, and keep of it in the audit trail what it was without its values', async () => {
      const { client, pid } = await session('a long report');
      const runs = client
        .query(`SELECT pg_sleep(60), 'a secret' AS note`)
        .catch((error: Error) => error.message);
      await until(async () => (await stateOf(pid)) === 'active');

      const { status, body } = await act(`backends/${pid}/cancel`);

      expect(status).toBe(200);
      const seen = {
        application: 'a long report',
        state: 'active',
        statement: 'SELECT pg_sleep(?), ? AS note',
      };
      expect(body).toMatchObject({ pid, action: 'cancel', done: true, ...seen });
      expect(await runs).toContain('canceling statement');
      const records = await trail(pid);
      expect(records).toMatchObject([
        { action: 'database.backend_cancel_requested', entity: 'backend', before: seen },
        { action: 'database.backend_cancelled', user_id: app.admin.id, after: { ...seen, done: true } },
      ]);
      expect(JSON.stringify(records)).not.toContain('secret');
      // It is idle now: a second time does no harm.
      expect(await act(`backends/${pid}/cancel`)).toMatchObject({ status: 200 });
      expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    });

    it('end a session, and say afterwards that there is none', async () => {
      const { client, pid } = await session('an idle transaction');
      await client.query('BEGIN');
      await client.query('LOCK TABLE bystander');

      expect(await act(`backends/${pid}/terminate`)).toMatchObject({
        status: 200,
        body: { done: true, state: 'idle in transaction' },
      });

      expect(await stateOf(pid)).toBeUndefined();
      expect((await trail(pid)).map(({ action }) => action)).toEqual([
        'database.backend_terminate_requested',
        'database.backend_terminated',
      ]);
      expect(await act(`backends/${pid}/terminate`)).toMatchObject({
        status: 404,
        body: { code: 'BACKEND_NOT_FOUND', detail: expect.stringContaining(`process ${pid}`) },
      });
    });

    it('reach those of the application, whose role is another than the owner', async () => {
      const { client, pid } = await session('gridtokenx of old', app.urls.applicationUrl);
      const runs = client.query('SELECT pg_sleep(60)').catch((error: Error) => error.message);
      await until(async () => (await stateOf(pid)) === 'active');

      expect(await act(`backends/${pid}/cancel`)).toMatchObject({ status: 200, body: { done: true } });
      expect(await runs).toContain('canceling statement');
    });

    it('know only clients of this very database', async () => {
      const elsewhere = new URL(app.urls.ownerUrl);
      elsewhere.pathname = '/postgres';
      const { pid } = await session('of another database', elsewhere.toString());
      const [writer] = await owner<{ pid: number }>(
        `SELECT pid FROM pg_stat_activity WHERE backend_type = 'background writer'`,
      );

      for (const foreign of [pid, writer?.pid, 2_147_483_647]) {
        expect(await act(`backends/${foreign}/terminate`)).toMatchObject({ status: 404 });
        expect(await trail(String(foreign))).toEqual([]);
      }
      expect(await stateOf(pid)).toBe('idle');
      for (const nonsense of ['0', '-1', '1.5', 'all', '2147483648', encodeURIComponent('1; SELECT 2')])
        expect(await act(`backends/${nonsense}/cancel`)).toMatchObject({ status: 400 });
    });

    it('are recorded by what became of them: as failed while the session goes on all the same', async () => {
      const { pid } = await session('deaf for a while');
      process.kill(pid, 'SIGSTOP');
      const answer = await act(`backends/${pid}/terminate`);
      process.kill(pid, 'SIGCONT');

      expect(answer).toMatchObject({ status: 200, body: { pid, done: false } });
      expect((await trail(pid)).at(-1)).toMatchObject({
        action: 'database.backend_terminate_failed',
        after: { done: false, reason: expect.stringContaining('within 5 seconds') },
      });
    });

    it('are not said to have failed where only the record of their end is lost', async () => {
      const { pid } = await session('ended without a record');
      await owner(`CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'no room for %', NEW.action; END $$`);
      await owner(`CREATE TRIGGER lose BEFORE INSERT ON audit_logs FOR EACH ROW
        WHEN (NEW.action = 'database.backend_terminated') EXECUTE FUNCTION lose()`);
      const answer = await act(`backends/${pid}/terminate`);
      await owner('DROP FUNCTION lose CASCADE');

      expect(answer).toMatchObject({ status: 500 });
      expect(await stateOf(pid)).toBeUndefined();
      expect((await trail(pid)).map(({ action }) => action)).toEqual([
        'database.backend_terminate_requested',
      ]);
    });

    it('reach as far as the roles do that we have, where the owner is no superuser', async () => {
      const own = new URL(app.urls.ownerUrl);
      const roleUrl = (role: string) =>
        Object.assign(new URL(own), { username: role, password: 'a password' });
      const [lesser, third] = [`lesser_${own.pathname.slice(1)}`, `third_${own.pathname.slice(1)}`];
      for (const role of [lesser, third]) await owner(`CREATE ROLE ${role} LOGIN PASSWORD 'a password'`);
      const backends = new BackendsService(
        app.nest.get(ActionTrail),
        { ownerUrl: roleUrl(lesser).toString() },
        app.nest.get(ReservedDatabase),
      );
      const principal = { userId: app.admin.id, organizationId: null, requestId: 'a test' } as Principal;
      const stop = (pid: number) => backends.stop(principal, pid, 'terminate');

      const applications = await session('of the application', app.urls.applicationUrl);
      expect(await stop(applications.pid)).toMatchObject({ done: true, state: 'idle' });
      const others = await session('of a third role', roleUrl(third).toString());
      await expect(stop(others.pid)).rejects.toThrow(/GRANT pg_signal_backend, pg_read_all_stats/);
      await owner(`GRANT pg_signal_backend, pg_read_all_stats TO ${lesser}`);
      expect(await stop(others.pid)).toMatchObject({ done: true, role: third });
      await owner(`ALTER ROLE ${lesser} CONNECTION LIMIT 0`);
      const next = await session('of the application', app.urls.applicationUrl);
      expect(await stop(next.pid)).toMatchObject({ done: true });
      const out = await session('of a third role', roleUrl(third).toString());
      await expect(stop(out.pid)).rejects.toMatchObject({ code: '53300' });
      await out.client.end();
      for (const role of [lesser, third]) await owner(`DROP ROLE ${role}`);
    });

    it('ask the owner where the application’s connections are in use', async () => {
      const busy = new ReservedDatabase(
        app.urls.applicationUrl,
        loadConfig({}).environment,
        new QueryEvents(),
      );
      await busy.onApplicationBootstrap();
      const backends = new BackendsService(app.nest.get(ActionTrail), app.urls, busy);
      const principal = { userId: app.admin.id, organizationId: null, requestId: 'a test' } as Principal;
      let letGo = (): void => undefined;
      const told = new Promise<void>((resolve) => (letGo = resolve));
      const holding = [1, 2].map(() => busy.transaction(() => told));
      const { pid } = await session('of the application', app.urls.applicationUrl);

      expect(await backends.stop(principal, pid, 'terminate')).toMatchObject({ done: true });
      letGo();
      await Promise.all(holding);
      busy.onModuleDestroy();
      await busy.onApplicationShutdown();
    });

    it('wait behind no report', async () => {
      const reports = app.nest.get(ReportDatabase);
      const { pid } = await session('of the owner');
      let ended = 0;
      const running = [1, 2, 3].map(() => reports.query('SELECT pg_sleep(60)').catch(() => (ended += 1)));
      const workers = () =>
        owner<{ pid: number }>(
          `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query = 'SELECT pg_sleep(60)'
              AND application_name = 'gridtokenx reports' AND state = 'active'`,
        );
      await until(async () => (await workers()).length === 2);

      expect(await act(`backends/${pid}/terminate`)).toMatchObject({ status: 200, body: { done: true } });
      expect(ended).toBe(0);
      // Some of them may have been ended by their own limit meanwhile.
      await until(async () => {
        for (const worker of await workers()) await act(`backends/${worker.pid}/cancel`);
        return ended === running.length;
      });
      await Promise.all(running);
    });

    it('keep no connection from others while they wait for the end of sessions', async () => {
      const round = async () => {
        const deaf = await session('deaf for a while', app.urls.applicationUrl);
        process.kill(deaf.pid, 'SIGSTOP');
        let answered = 0;
        const asked = Array.from({ length: 6 }, () =>
          act(`backends/${deaf.pid}/terminate`).finally(() => (answered += 1)),
        );
        await until(async () => (await trail(deaf.pid)).length >= asked.length);
        const others = await Promise.all([1, 2, 3, 4].map(() => app.get(`${DB}/locks`, { as: app.admin })));
        const answeredBefore = answered;
        process.kill(deaf.pid, 'SIGCONT');
        const done = (await Promise.all(asked)).map(({ body }) => body.done as boolean);
        return { others: others.map(({ status }) => status), answeredBefore, done };
      };
      const wanted = {
        others: [200, 200, 200, 200],
        answeredBefore: 0,
        done: [true, true, true, true, true, true],
      };
      let seen = await round();
      // They wait for five seconds, which may be over before all have asked where the machine stood still.
      for (let again = 0; again < 4 && !isDeepStrictEqual(seen, wanted); again++) seen = await round();
      expect(seen).toEqual(wanted);
    });

    it('never end the session that does it', async () => {
      const reserve = () =>
        owner<{ pid: number }>(
          `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'gridtokenx reserve'`,
        );
      await owner('SELECT pg_terminate_backend(pid, 5000) FROM unnest($1::int[]) AS pid', [
        (await reserve()).slice(1).map(({ pid }) => pid),
      ]);
      const ours = await eventually(reserve, ({ length }) => length === 1);

      expect(await act(`backends/${ours[0]?.pid}/terminate`)).toMatchObject({
        status: 409,
        body: { code: 'OWN_BACKEND', detail: expect.stringContaining('this very request') },
      });
      expect(await stateOf(ours[0]?.pid ?? 0)).toBe('idle');
    });
  });

  describe('on tables', () => {
    const last = async (table: string) =>
      (
        await owner(
          `SELECT vacuum_count::int AS vacuums, analyze_count::int AS analyses FROM pg_stat_user_tables
            WHERE relid = $1::regclass`,
          [table],
        )
      )[0] as { vacuums: number; analyses: number };

    it('vacuum one by a job, and tell where it stands and what came of it', async () => {
      const before = await last('users');
      const { status, body } = await act('tables/users/vacuum');

      expect(status).toBe(202);
      expect(body).toMatchObject({
        action: 'vacuum',
        target: 'users',
        state: 'queued',
        requestedBy: app.admin.id,
        finishedAt: null,
      });
      expect(await ended(body.id)).toMatchObject({
        id: body.id,
        state: 'done',
        target: 'users',
        finishedAt: expect.any(String),
        outcome: { durationMs: expect.any(Number) },
      });
      await until(async () => (await last('users')).vacuums === before.vacuums + 1);
      expect((await last('users')).analyses).toBe(before.analyses + 1);
      expect(await trail('users')).toMatchObject([
        { action: 'database.table_vacuum_requested', entity: 'table', user_id: app.admin.id },
        {
          action: 'database.table_vacuumed',
          entity: 'table',
          user_id: app.admin.id,
          after: { actionId: body.id },
        },
      ]);
    });

    it('analyse a partitioned one, and a partition', async () => {
      const [partition] = await owner<{ name: string }>(
        `SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'meter_readings'::regclass LIMIT 1`,
      );
      for (const table of ['meter_readings', partition?.name ?? '']) {
        const { body } = await act(`tables/${table}/analyze`);
        expect(await ended(body.id)).toMatchObject({ state: 'done', target: table });
        await until(async () => (await last(table)).analyses > 0);
      }
    });

    it('are one action however often they are asked for at once', async () => {
      const { client } = await session('in the way');
      await client.query('BEGIN');
      await client.query('LOCK TABLE meters IN SHARE UPDATE EXCLUSIVE MODE');

      const answers = await Promise.all([1, 2, 3, 4].map(() => act('tables/meters/vacuum')));
      const ids = new Set(answers.map(({ body }) => body.id as string));
      expect(ids.size).toBe(1);
      const [id = ''] = ids;
      await eventually(
        () => app.get(`${DB}/actions/${id}`, { as: app.admin }),
        ({ body }) => body.state === 'running',
      );
      expect((await act('tables/meters/vacuum')).body).toMatchObject({ id, state: 'running' });
      // Another one is another one, and a job that was taken for dead finds that it is still at work.
      expect((await act('tables/meters/analyze')).body.id).not.toBe(id);
      const before = await trail('meters');
      await client.query('COMMIT');
      await ended(id);
      expect(before.filter(({ action }) => action.includes('vacuum'))).toHaveLength(1);
      expect(
        (await trail('meters')).filter(({ action }) => action === 'database.table_vacuumed'),
      ).toHaveLength(1);
    });

    it('that an admin cancels have failed, and are not begun again', async () => {
      const { client } = await session('in the way');
      await client.query('BEGIN');
      await client.query('LOCK TABLE sessions IN SHARE UPDATE EXCLUSIVE MODE');
      const { body } = await act('tables/sessions/vacuum');
      const waits = `SELECT pid FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'gridtokenx maintenance' AND wait_event_type = 'Lock'`;
      await until(async () => (await owner(waits)).length === 1);
      await act(`backends/${(await owner<{ pid: number }>(waits))[0]?.pid}/cancel`);

      expect(await ended(body.id)).toMatchObject({
        state: 'failed',
        outcome: { reason: expect.stringContaining('canceling statement') },
      });
      await client.query('COMMIT');
      expect((await trail('sessions')).map(({ action }) => action)).toEqual([
        'database.table_vacuum_requested',
        'database.table_vacuum_failed',
      ]);
    });

    it('refuse what is no table of ours, in a sentence', async () => {
      await owner('CREATE SCHEMA elsewhere');
      await owner('CREATE TABLE elsewhere.foreign_table (id int)');
      await owner('CREATE VIEW some_view AS SELECT 1 AS one');

      for (const name of [
        'foreign_table',
        'elsewhere.foreign_table',
        'pg_class',
        'job',
        'some_view',
        INJECTION,
        `users'--`,
      ])
        for (const verb of ['analyze', 'vacuum']) {
          const { status, body } = await act(`tables/${encodeURIComponent(name)}/${verb}`);
          expect({ name, status, code: body.code }).toEqual({ name, status: 404, code: 'TABLE_NOT_FOUND' });
          expect(await trail(name)).toEqual([]);
        }
      expect((await act('tables/user/vacuum')).body.detail).toMatch(
        /There is no table "user" .*: did you mean users/,
      );
      expect(await act(`tables/${'x'.repeat(64)}/vacuum`)).toMatchObject({ status: 400 });
      expect(await owner('SELECT count(*)::int AS rows FROM bystander')).toEqual([{ rows: 0 }]);
      await owner('DROP VIEW some_view');
      await owner('DROP SCHEMA elsewhere CASCADE');
    });

    it('quote a name that needs it', async () => {
      await owner(`CREATE TABLE ${'"Odd ""name""; --"'} (id int)`);
      const { status, body } = await act(`tables/${encodeURIComponent('Odd "name"; --')}/vacuum`);

      expect(status).toBe(202);
      expect(await ended(body.id)).toMatchObject({ state: 'done' });
      await owner(`DROP TABLE ${'"Odd ""name""; --"'}`);
    });

    it('know no other ids than their own', async () => {
      for (const id of ['01890000-0000-7000-8000-000000000000', 'ffffffff-ffff-4fff-bfff-ffffffffffff'])
        expect(await app.get(`${DB}/actions/${id}`, { as: app.admin })).toMatchObject({
          status: 404,
          body: { code: 'ACTION_NOT_FOUND' },
        });
      expect(await app.get(`${DB}/actions/1`, { as: app.admin })).toMatchObject({ status: 400 });
    });
  });

  describe('on indexes', () => {
    const oidOf = async (index: string) =>
      (await owner<{ node: string }>('SELECT pg_relation_filenode($1::regclass)::text AS node', [index]))[0]
        ?.node;

    it('rebuild one, and all parts of a partitioned one', async () => {
      const before = await oidOf('idx_users_email');
      const { status, body } = await act('indexes/idx_users_email/reindex');
      expect(status).toBe(202);
      expect(await ended(body.id)).toMatchObject({
        state: 'done',
        outcome: {
          indexes: ['idx_users_email'],
          bytesBefore: expect.any(Number),
          bytesAfter: expect.any(Number),
        },
      });
      expect(await oidOf('idx_users_email')).not.toBe(before);

      const parts = await act('indexes/idx_meter_readings_user_minted/reindex');
      const { outcome, state } = await ended(parts.body.id);
      expect(state).toBe('done');
      expect(outcome.indexes.length).toBeGreaterThan(1);
    });

    it('are one rebuild where two ask at once', async () => {
      const snapshot = await lab.holdSnapshot();
      const [one, two] = await Promise.all([1, 2].map(() => act('indexes/idx_users_email/reindex')));
      await lab.untilPhase('waiting for');
      expect(two?.body.id).toBe(one?.body.id);
      // As pg-boss does when it takes a job for dead.
      await app.nest.get(ActionsService).resume();
      expect(
        await lab.run('SELECT pid FROM pg_stat_progress_create_index WHERE datname = current_database()'),
      ).toHaveLength(1);
      await snapshot.release();

      expect(await ended(one?.body.id)).toMatchObject({ state: 'done' });
      expect([...(await lab.indexesOf('users')).keys()].filter((name) => name.includes('_cc'))).toEqual([]);
    });

    it('refuse what is no index of ours, or cannot be rebuilt while it serves', async () => {
      for (const name of ['users', 'pg_class_oid_index', 'job_i1', INJECTION])
        expect(await act(`indexes/${encodeURIComponent(name)}/reindex`)).toMatchObject({
          status: 404,
          body: { code: 'INDEX_NOT_FOUND', detail: expect.stringContaining('did you mean') },
        });
      await owner('CREATE TABLE booked (during tstzrange, EXCLUDE USING gist (during WITH &&))');
      expect(await act('indexes/booked_during_excl/reindex')).toMatchObject({
        status: 422,
        body: { code: 'INDEX_NOT_REBUILDABLE', detail: expect.stringContaining('exclusion constraint') },
      });
      await owner('DROP TABLE booked');
    });

    it('go on after a process was killed in the middle, and leave nothing of its attempt', async () => {
      const snapshot = await lab.holdSnapshot();
      const server = new ServerProcess({
        DATABASE_URL: app.urls.applicationUrl,
        DATABASE_MIGRATION_URL: app.urls.ownerUrl,
        DATA_DIR: app.dataDir,
        JWT_SECRET: 'a secret of tests only, 32 characters or more',
        RATE_LIMIT_ENABLED: 'false',
      });
      await app.nest.close();
      const url = await server.ready();
      const asked = await fetch(`${url}${DB}/indexes/idx_users_email/reindex`, {
        method: 'POST',
        headers: { authorization: `Bearer ${app.admin.token}` },
      });
      const { id } = (await asked.json()) as { id: string };
      await lab.untilPhase('waiting for');
      await server.stop('SIGKILL');
      await until(
        async () =>
          (await lab.run('SELECT pid FROM pg_stat_progress_create_index WHERE datname = current_database()'))
            .length === 0,
      );
      await snapshot.release();
      const names = async () => [...(await lab.indexesOf('users')).keys()];
      expect(await names()).toContain('idx_users_email_ccnew');

      app = await startApp({}, app.urls);
      // PostgreSQL may take a moment to notice that the process is gone, and the new one may resume it by itself.
      const { body } = await eventually(
        () => app.get(`${DB}/actions/${id}`, { as: app.admin }),
        ({ body: { state } }) => state !== 'running',
      );
      if (body.state === 'queued') await app.nest.get(ActionsService).resume();

      expect(await ended(id)).toMatchObject({ state: 'done', outcome: { indexes: ['idx_users_email'] } });
      expect((await names()).filter((name) => name.includes('_cc'))).toEqual([]);
      expect((await lab.indexesOf('users')).get('idx_users_email')).toMatchObject({ valid: true });
    });
  });
});
