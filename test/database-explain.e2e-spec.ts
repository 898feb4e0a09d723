import { Client } from 'pg';
import { ownSession } from '../src/monitoring/actions/own-session';
import { startApp, type Answer, type TestApp } from './support/app';
import { asOwner } from './support/database';

describe('recorded statements', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await startApp();
    await owner('CREATE TABLE bystander (id int)');
  });
  afterAll(() => app.close());

  const owner = <Row = any>(text: string, values: unknown[] = []): Promise<Row[]> =>
    asOwner<Row>(app.urls, text, values);
  const trail = (id: string) =>
    owner(
      `SELECT action, entity, user_id, after FROM audit_logs WHERE action LIKE 'database.%' AND entity_id = $1
        ORDER BY id`,
      [id],
    );

  /** A statement that the application's role ran, by the number that pg_stat_statements gave it. */
  async function recorded(text: string, values: unknown[] = [], marker = text): Promise<string> {
    const client = new Client({ connectionString: app.urls.applicationUrl });
    await client.connect();
    await client.query(text, values).catch(() => undefined);
    await client.end();
    const [row] = await owner<{ id: string }>(
      `SELECT queryid::text AS id FROM pg_stat_statements
          WHERE query = $1 AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())`,
      [marker],
    );
    if (row === undefined) throw new Error(`pg_stat_statements has no ${marker}`);
    return row.id;
  }
  const explain = (id: string, body: unknown = {}): Promise<Answer> =>
    app.post(`/api/admin/db/queries/${id}/explain`, { as: app.admin, body });
  const BY_MAIL = 'SELECT id, email, role FROM users WHERE email = $1 AND is_active = $2';

  it('are given up where the server ends no statement any more', async () => {
    const limits = { application: 'deaf for a while', statementMs: 100 };
    let pid = 0;
    const asked = ownSession(app.urls.ownerUrl, limits, async (session) => {
      // Asked for by another one: on a machine that is slow this one's limit would end any statement of its own.
      const [deaf] = await owner<{ pid: number }>(
        'SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1',
        [limits.application],
      );
      pid = deaf?.pid ?? 0;
      process.kill(pid, 'SIGSTOP');
      await session.query('SELECT 1');
    });
    const failed = await asked.catch((error: Error) => error.message);
    process.kill(pid, 'SIGCONT');
    expect(failed).toBe('Query read timeout');
  });

  it('tell the plan for any values, and that for given ones', async () => {
    const id = await recorded(BY_MAIL, ['nobody@example.org', true]);

    const generic = await explain(id);
    expect(generic).toMatchObject({
      status: 200,
      body: { available: true, plan: 'generic', statement: BY_MAIL },
    });
    expect(JSON.stringify(generic.body.explain)).toContain('$1');
    const parted = await explain(
      await recorded('SELECT account_id FROM ledger_entries WHERE created_at = $1', [null]),
    );
    expect(JSON.stringify(parted.body.explain)).toMatch(
      /"Relation Name":"ledger_entries_\w+".*\(\w+\.created_at = \$1\)/,
    );
    const custom = await explain(id, { parameters: ['a.secret@example.org', true] });
    expect(custom).toMatchObject({ status: 200, body: { plan: 'custom' } });
    expect(JSON.stringify(custom.body.explain)).not.toContain('Actual Rows');
  });

  it('show no constant of a view or of an index', async () => {
    await owner(`CREATE VIEW all_but_one AS SELECT id FROM users WHERE email <> 'hidden@example.org'`);
    await owner('GRANT SELECT ON all_but_one TO PUBLIC');
    const id = await recorded('SELECT id FROM all_but_one WHERE id = $1', [null]);
    const plans = [{}, { parameters: [null] }, { analyze: true, parameters: [null] }].map((body) =>
      explain(id, body),
    );
    for (const { status, body } of await Promise.all(plans)) {
      expect(status).toBe(200);
      expect(JSON.stringify(body.explain)).toContain('"Node Type"');
      expect(JSON.stringify(body)).not.toContain('hidden@');
    }
    await owner('DROP VIEW all_but_one');
  });

  it('run a SELECT with all its values, and keep none of them', async () => {
    const id = await recorded(BY_MAIL, ['nobody@example.org', true]);
    const { status, body } = await explain(id, { analyze: true, parameters: [app.admin.email, true] });

    expect(status).toBe(200);
    expect(body).toMatchObject({
      queryId: id,
      plan: 'analyzed',
      explain: { Plan: { 'Actual Rows': 1 }, 'Execution Time': expect.any(Number) },
    });
    const records = await trail(id);
    expect(records.slice(-2)).toMatchObject([
      {
        action: 'database.statement_explain_requested',
        entity: 'statement',
        after: { statement: BY_MAIL, analyze: true, parameters: 2 },
      },
      { action: 'database.statement_explained', user_id: app.admin.id, after: { plan: 'analyzed' } },
    ]);
    expect(JSON.stringify(records)).not.toContain('@');
  });

  it('know a constant that said its type', async () => {
    const old = `SELECT user_id FROM idempotency_keys WHERE created_at < now() - interval '24 hours'`;
    const id = await recorded(old.replace(`'24`, `'23`), [], old.replace(`'24 hours'`, '$1'));

    expect(await explain(id, { analyze: true, parameters: ['1 day'] })).toMatchObject({ status: 200 });
  });

  it('bind what they are given: it is a value and never SQL', async () => {
    const id = await recorded(BY_MAIL, ['nobody@example.org', true]);
    const evil = `x'; DROP TABLE bystander; --`;

    expect(await explain(id, { analyze: true, parameters: [evil, true] })).toMatchObject({
      status: 200,
      body: { explain: { Plan: { 'Actual Rows': 0 } } },
    });
    expect(await owner('SELECT count(*)::int AS rows FROM bystander')).toEqual([{ rows: 0 }]);
  });

  it('want a value for each parameter', async () => {
    const id = await recorded(BY_MAIL, ['nobody@example.org', true]);

    for (const body of [{ analyze: true }, { analyze: true, parameters: ['a'] }, { parameters: [1, 2, 3] }])
      expect(await explain(id, body)).toMatchObject({
        status: 400,
        body: { errors: [{ field: 'parameters', detail: expect.stringContaining('has 2 parameters') }] },
      });
    const wrong = await explain(id, { analyze: true, parameters: ['a', 'a secret, no boolean'] });
    expect(wrong).toMatchObject({ status: 422, body: { code: 'STATEMENT_NOT_EXPLAINED' } });
    expect((await trail(id)).at(-1)).toMatchObject({
      action: 'database.statement_explain_failed',
      after: { reason: 'SQLSTATE 22P02' },
    });
    expect(JSON.stringify(await trail(id))).not.toContain('secret');
  });

  it.each([
    ['an UPDATE', 'UPDATE users SET first_name = $1 WHERE id = $2', ['x', null], 'ModifyTable'],
    [
      'a change inside a WITH',
      'WITH gone AS (DELETE FROM sessions WHERE id = $1 RETURNING id) SELECT count(*) FROM gone',
      [null],
      'ModifyTable',
    ],
    ['a SELECT that locks', 'SELECT id FROM users WHERE id = $1 FOR UPDATE', [null], 'LockRows'],
    [
      'a function that writes',
      'SELECT ensure_month_partition($1, $2::date)',
      ['audit_logs', '2031-01-01'],
      'changes nothing',
    ],
  ])('do not run %s', async (_, text, parameters, reason) => {
    const id = await recorded(text, parameters);

    expect(await explain(id)).toMatchObject({ status: 200, body: { plan: 'generic' } });
    const others = parameters.map((value) => (value === '2031-01-01' ? '2032-01-01' : value));
    expect(await explain(id, { analyze: true, parameters: others })).toMatchObject({
      status: 422,
      body: { code: 'STATEMENT_NOT_EXPLAINED', detail: expect.stringContaining(reason) },
    });
    const partitions = await owner(`SELECT FROM pg_class WHERE relname LIKE 'audit_logs%2032%'`);
    expect(partitions).toEqual([]);
  });

  it('do not run for longer than five seconds, nor what the application may not do', async () => {
    const sleeps = await recorded('SELECT pg_sleep($1)', [0]);
    expect(await explain(sleeps, { analyze: true, parameters: [60] })).toMatchObject({
      status: 422,
      body: { detail: expect.stringContaining('took longer') },
    });
    await owner('SELECT id FROM bystander WHERE id = $1', [1]);
    await owner('REVOKE ALL ON bystander FROM PUBLIC');
    const theirs = await recorded('SELECT id FROM bystander WHERE id = $1', [1]);
    expect(await explain(theirs, { analyze: true, parameters: [1] })).toMatchObject({
      status: 422,
      body: { detail: expect.stringContaining('permission denied') },
    });
  });

  it('say what has no plan, and which numbers nobody knows', async () => {
    await owner('CREATE TABLE brief (id int)');
    await owner('DROP TABLE brief');
    const [utility] = await owner<{ id: string }>(
      `SELECT queryid::text AS id FROM pg_stat_statements WHERE query = 'DROP TABLE brief'
            AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    );
    expect(await explain(utility?.id ?? '')).toMatchObject({
      status: 422,
      body: { detail: expect.stringContaining('cannot plan it') },
    });
    expect(await explain('1')).toMatchObject({ status: 404, body: { code: 'STATEMENT_NOT_FOUND' } });
    for (const nonsense of ['x', '9223372036854775808', encodeURIComponent('1 OR 1=1')])
      expect(await explain(nonsense)).toMatchObject({ status: 400 });
    expect(await explain('1', { parameters: [{ $ne: 1 }] })).toMatchObject({ status: 400 });
    expect(await explain('1', { analyse: true })).toMatchObject({ status: 400 });
  });

  /** As where PostgreSQL answers the statistics of statements with this error. */
  async function failing(message: string, code: string): Promise<void> {
    const [{ parameters }] = await owner(
      `SELECT pg_get_function_arguments('pg_stat_statements(boolean)'::regprocedure) AS parameters`,
    );
    await owner(`CREATE OR REPLACE FUNCTION pg_stat_statements(${parameters}) RETURNS SETOF record LANGUAGE plpgsql AS $$
      BEGIN RAISE '${message}' USING ERRCODE = '${code}'; END $$`);
  }

  it('take too long as any other statement does: nothing is missing then', async () => {
    await failing('canceling statement due to statement timeout', '57014');
    const reading = [app.get('/api/admin/db/slow-queries', { as: app.admin }), explain('1')];
    for (const { status, body, headers } of await Promise.all(reading)) {
      expect({ status, code: body.code }).toEqual({ status: 503, code: 'DATABASE_TIMEOUT' });
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    }
  });

  it('say what is missing for it', async () => {
    await failing('pg_stat_statements must be loaded via "shared_preload_libraries"', '55000');
    expect(await explain('1')).toMatchObject({
      status: 200,
      body: { available: false, howTo: expect.stringContaining('shared_preload_libraries') },
    });
    await owner('DROP EXTENSION pg_stat_statements');
    const answer = await explain('1');
    await owner('CREATE EXTENSION pg_stat_statements');

    expect(answer).toMatchObject({
      status: 200,
      body: { available: false, missing: 'pg_stat_statements', howTo: expect.any(String) },
    });
  });
});
