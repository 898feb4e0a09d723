import { indexCatalogue } from '../src/database/indexes/index-catalogue';
import { compareIndexes } from '../src/database/indexes/index-comparison';
import { asOwner, emptyDatabase, migratedDatabase } from './support/database';
import { startCommand, type Ended, type RunningCommand } from './support/database-command';
import { IndexLab } from './support/index-lab';

/** The number that every process asks for that migrates. */
const MIGRATION_LOCK = 4_711_072_001;
const DECLARED = indexCatalogue().length;

describe('npm run db:indexes', () => {
  let lab: IndexLab;

  beforeAll(async () => {
    lab = new IndexLab(await migratedDatabase());
    for (const month of ['2026-01-01', '2026-02-01'])
      await lab.run(`SELECT ensure_month_partition('audit_logs', $1::date)`, [month]);
    // What the migrations leave to this command, if anything, is no matter of these tests.
    expect(await indexes()).toMatchObject({ code: 0 });
  });
  afterEach(() => lab.tidy());

  const start = (words: string[] = []): RunningCommand => startCommand('indexes', words, lab.urls);
  const indexes = (...words: string[]): Promise<Ended> => start(words).ended;
  const differences = async () =>
    (await compareIndexes(await lab.session(), indexCatalogue())).map(
      ({ kind, index }) => `${kind} ${index}`,
    );
  /** Every index with its definition. */
  const schema = (of = lab) =>
    of.run(`SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY indexname`);
  const dropSome = async (of = lab) => {
    for (const name of [
      'idx_users_email',
      'users_search',
      'idx_audit_logs_action',
      'idx_reconciliation_items_reconciliation_id',
    ])
      await of.run(`DROP INDEX ${name}`);
    await of.run('DROP INDEX idx_trading_orders_side');
    await of.run('CREATE INDEX idx_trading_orders_side ON trading_orders (side)');
  };

  it('shows the statistics, builds what is missing, and shows what became of it', async () => {
    await dropSome();
    const { code, output, errors } = await indexes();
    expect({ code, errors }).toEqual({
      code: 0,
      errors: expect.stringMatching(/^building idx_audit_logs_action/),
    });
    const [connected, ...lines] = output.split('\n');
    expect(connected).toMatch(/^Connected to PostgreSQL \d+.*, database test_\w+, as gridtokenx_owner$/);
    const rowsOf = (name: string) =>
      lines
        .filter((line) => line.includes(`│ ${name} `))
        .map((line) => line.split('│').map((cell) => cell.trim()));
    const question = 'log-in by e-mail, without regard to case';
    expect(rowsOf('idx_users_email')).toEqual([
      ['', 'idx_users_email', 'users', 'btree, unique, expression', 'missing', '0', '0 B', question, ''],
      ['', 'idx_users_email', 'users', 'btree, unique, expression', 'yes', '0', '8.0 kB', question, ''],
    ]);
    expect(rowsOf('idx_trading_orders_side').map((cells) => cells[4])).toEqual(['other form', 'yes']);
    expect(lines.at(-2)).toMatch(
      new RegExp(`^5 of ${DECLARED} declared indexes were built or mended: idx_audit_logs_action, `),
    );
    expect(await differences()).toEqual([]);
    const again = await indexes();
    expect(again).toMatchObject({ code: 0, errors: '' });
    expect(again.output).toContain(`All ${DECLARED} declared indexes are there and serve`);
  });

  it('prints statements that make the very same of a database', async () => {
    await dropSome();
    const before = await schema();
    const { code, output } = await indexes('--sql');
    expect(code).toBe(0);
    expect(await schema()).toEqual(before);
    expect(output).toContain('\\set ON_ERROR_STOP on');
    const session = await lab.session();
    for (const statement of output.split('\n').filter((line) => line.endsWith(';')))
      await session.query(statement);
    const bySql = await schema();
    expect(await differences()).toEqual([]);
    expect((await indexes('--sql')).output).toContain('-- Nothing is missing.');
    await dropSome();
    expect(await indexes()).toMatchObject({ code: 0 });
    expect(await schema()).toEqual(bySql);
  });

  it('prints figures for machines', async () => {
    await lab.run('DROP INDEX idx_users_role');
    const { before, applied, after } = JSON.parse((await indexes('--json')).output) as Record<string, any[]>;
    expect(applied).toEqual(['idx_users_role']);
    const role = (rows: any[] | undefined) => rows?.find(({ index }) => index === 'idx_users_role');
    expect(role(before)).toMatchObject({ table: 'users', valid: 'missing', bytes: 0, idxScan: 0 });
    expect(role(after)).toMatchObject({ table: 'users', valid: 'yes', bytes: 8192 });
  });

  it('may run twice at once', async () => {
    await dropSome();
    const both = await Promise.all([indexes(), indexes()]);
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    expect(await differences()).toEqual([]);
  });

  it('lets nobody migrate while it builds, and repairs what kill -9 left of a build', async () => {
    await lab.run('DROP INDEX idx_users_role');
    const old = await lab.holdSnapshot();
    const running = start();
    await lab.untilPhase('waiting for old snapshots', 'idx_users_role');
    expect(await lab.run('SELECT pg_try_advisory_lock($1) AS mine', [MIGRATION_LOCK])).toEqual([
      { mine: false },
    ]);
    running.kill('SIGKILL');
    expect(await running.ended).toMatchObject({ code: 'SIGKILL' });
    expect(await differences()).toEqual(['invalid idx_users_role']);
    const next = indexes();
    await old.release();
    expect(await next).toMatchObject({ code: 0 });
    expect(await differences()).toEqual([]);
  });

  it('ends at Ctrl-C with a sentence, and goes on from there', async () => {
    await lab.run('DROP INDEX idx_audit_logs_action');
    const old = await lab.holdSnapshot();
    const running = start();
    await lab.untilPhase('waiting for old snapshots', 'idx_audit_logs_action_2026_01');
    running.kill('SIGINT');
    const { code, errors } = await running.ended;
    expect({ code, errors }).toEqual({
      code: 130,
      errors: 'Stopped: what is finished stays, and the next npm run db:indexes does the rest\n',
    });
    await old.release();
    expect(await indexes()).toMatchObject({ code: 0 });
    expect(await differences()).toEqual([]);
  });

  it('waits for its turn while others migrate, and ends at Ctrl-C there too', async () => {
    await lab.run('DROP INDEX idx_users_role');
    const migrating = await lab.session();
    await migrating.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    const waiting = start();
    await waiting.says('Another process migrates this database');
    waiting.kill('SIGINT');
    expect(await waiting.ended).toMatchObject({ code: 130, errors: expect.stringMatching(/Stopped: .*\n$/) });
    const next = start();
    await next.says('Another process migrates this database');
    await migrating.query('SELECT pg_advisory_unlock($1)', [MIGRATION_LOCK]);
    expect(await next.ended).toMatchObject({ code: 0 });
    expect(await differences()).toEqual([]);
  });

  it('says which rows keep an index from being unique', async () => {
    await lab.run('DROP INDEX idx_users_email');
    await lab.run(
      `INSERT INTO users (id, email, username, password_hash, role)
         SELECT gen_random_uuid(), email, md5(email), 'x', 'consumer' FROM unnest(ARRAY['a@b.example', 'A@b.example']) AS email`,
    );
    const { code, errors } = await indexes();
    expect(code).toBe(1);
    expect(errors).toMatch(
      /^The unique index idx_users_email cannot be built, since rows of users are alike in lower/m,
    );
    expect(errors).not.toMatch(/@b| {4}at /);
    await lab.run('DELETE FROM users');
    expect(await indexes()).toMatchObject({ code: 0 });
  });

  it.each([
    ['an index', 'idx_users_role', ['idx_users_role']],
    [
      'a table, but for its exclusion constraint',
      'certificate_issuances',
      ['certificate_issuances_of_meter', 'certificate_issuances_pkey'],
    ],
    [
      'an index of a partitioned table',
      'idx_audit_logs_action',
      [expect.stringMatching(/2026_01/), expect.stringMatching(/2026_02/)],
    ],
  ])('rebuilds %s', async (_, name, expected) => {
    const oids = () => lab.run(`SELECT relname, oid FROM pg_class WHERE relkind = 'i' ORDER BY oid`);
    const before = await oids();
    const { code, output } = await indexes('--reindex', name, '--json');
    expect(code).toBe(0);
    const { rebuilt, skipped } = JSON.parse(output) as { rebuilt: string[]; skipped: string[] };
    expect(rebuilt).toEqual(expected);
    expect(skipped).toEqual(name === 'certificate_issuances' ? ['certificate_issuances_no_overlap'] : []);
    const after = new Map((await oids()).map(({ relname, oid }) => [relname, oid]));
    const changed = before.filter(({ relname, oid }) => after.get(relname) !== oid);
    expect(changed.map(({ relname }) => relname).sort()).toEqual(rebuilt.sort());
    expect(await differences()).toEqual([]);
  });

  it('removes what a broken rebuild left behind', async () => {
    const old = await lab.holdSnapshot();
    const rebuilding = (await lab.session())
      .query('REINDEX INDEX CONCURRENTLY idx_users_role')
      .catch((error: unknown) => error);
    const pid = await lab.untilPhase('waiting for old snapshots');
    await lab.run('SELECT pg_cancel_backend($1)', [pid]);
    expect(await rebuilding).toMatchObject({ code: '57014' });
    await old.release();
    expect(await differences()).toEqual(['undeclared idx_users_role_ccnew']);
    const { code, errors } = await indexes();
    expect({ code, errors }).toEqual({
      code: 0,
      errors: expect.stringContaining('dropping idx_users_role_ccnew on users'),
    });
    expect(await differences()).toEqual([]);
  });

  it("renews the planner's statistics", async () => {
    const { code, output } = await indexes('--analyze', 'users');
    expect({ code, output }).toEqual({ code: 0, output: 'Statistics of 1 table are new: users\n' });
    expect((await indexes('--analyze')).output).toMatch(/^Statistics of \d+ tables are new: audit_logs, /);
    const [{ never }] = await lab.run(
      `SELECT count(*)::int AS never FROM pg_stat_user_tables JOIN pg_class ON oid = relid
        WHERE schemaname = 'public' AND relkind = 'r' AND last_analyze IS NULL AND pg_class.relname NOT LIKE 'migration%'`,
    );
    expect(never).toBe(0);
  });

  it('shows bloat, and leaves no extension behind', async () => {
    const { code, output, errors } = await indexes('--bloat');
    expect({ code, errors }).toEqual({ code: 0, errors: '' });
    expect(output).toMatch(/│ idx_users_email +│ users +│ +8\.0 kB │ +0 B │ +0 % │/);
    expect(output).toContain('Exact: pgstattuple read every page');
    const asApplication = { ...lab.urls, ownerUrl: lab.urls.applicationUrl };
    const estimate = await startCommand('indexes', ['--bloat', '--json'], asApplication).ended;
    expect(JSON.parse(estimate.output)).toMatchObject({ method: 'estimate' });
    expect(await lab.run(`SELECT 1 FROM pg_extension WHERE extname = 'pgstattuple'`)).toEqual([]);
  });

  it('refuses what there is not, or what does not go, with a sentence', async () => {
    const refusals: [words: string[], sentence: string][] = [
      [['--reindex', 'idx_user_email'], 'did you mean idx_users_email'],
      [['--reindex', 'certificate_issuances_no_overlap'], 'belongs to an exclusion constraint'],
      [['--analyze', 'user'], 'There is no table "user": did you mean users'],
      [['--sql', '--bloat'], 'cannot be used with option'],
    ];
    const runs = await Promise.all(
      refusals.map(async ([words, sentence]) => ({ words, sentence, ended: await indexes(...words) })),
    );
    for (const { words, sentence, ended } of runs) {
      expect({ words, ...ended }).toEqual({
        words,
        code: 1,
        output: '',
        errors: expect.stringContaining(sentence),
      });
      expect(ended.errors).not.toContain('    at ');
    }
  });

  it('asks for the owner when the role may not change the tables', async () => {
    const asApplication = { ...lab.urls, ownerUrl: lab.urls.applicationUrl };
    const words = [[], ['--sql'], ['--reindex', 'users'], ['--analyze']];
    const runs = await Promise.all(words.map((each) => startCommand('indexes', each, asApplication).ended));
    for (const { code, errors } of runs) {
      expect(code).toBe(1);
      expect(errors).toMatch(
        /^The role gridtokenx_app does not own \w+ and may not change its indexes: let DATABASE_MIGRATION_URL name the role that owns the tables\n$/,
      );
    }
  });
});

it('asks for the migrations first in an empty database', async () => {
  const { code, errors } = await startCommand('indexes', [], await emptyDatabase()).ended;
  expect(code).toBe(1);
  expect(errors).toMatch(
    /^0001-foundation, .* and \d+ others are not applied to this database: run npm run db:migrate first\n$/,
  );
});

it('leaves a database of a newer version as it is', async () => {
  const urls = await migratedDatabase();
  await asOwner(
    urls,
    `INSERT INTO migrations (timestamp, name) VALUES (1795305609000, 'Later1795305609000')`,
  );
  await asOwner(urls, 'DROP INDEX idx_users_role');
  const runs = await Promise.all([[], ['--sql']].map((words) => startCommand('indexes', words, urls).ended));
  for (const { code, errors } of runs) {
    expect(code).toBe(1);
    expect(errors).toMatch(
      /^A newer version of GridTokenX has migrated this database \(9000-later\): start that version, .*\n$/,
    );
  }
  expect(await asOwner(urls, `SELECT FROM pg_class WHERE relname = 'idx_users_role'`)).toEqual([]);
});
