import { startCommand } from './support/database-command';
import { startApp, type Person, type TestApp } from './support/app';

const DB = '/api/admin/db';

describe('reports on the database', () => {
  let app: TestApp;
  let auditor: Person;

  beforeAll(async () => {
    app = await startApp();
    auditor = await app.registers({ role: 'auditor' });
  });
  afterAll(() => app.close());

  it('are listed with what they mean', async () => {
    const { status, body } = await app.get(DB, { as: auditor });

    expect(status).toBe(200);
    expect(body).toEqual({ items: expect.any(Array), nextCursor: null });
    expect(body.items).toContainEqual(
      expect.objectContaining({ report: 'connections', meaning: expect.any(String) }),
    );
  });

  it('are all answered, each in its form', async () => {
    const { body: list } = await app.get(DB, { as: auditor });

    for (const { report } of list.items) {
      const { status, body } = await app.get(`${DB}/${report}`, { as: auditor });
      expect({ report, status, named: body.report }).toEqual({ report, status: 200, named: report });
      const keys = body.columns.map(({ key }: { key: string }) => key).sort();
      for (const row of body.rows) expect(Object.keys(row).sort()).toEqual(keys);
    }
  });

  it('are for admins, operators and auditors alone', async () => {
    const trader = await app.registers();

    expect(await app.get(DB)).toMatchObject({ status: 401 });
    expect(await app.get(DB, { as: trader })).toMatchObject({ status: 403 });
    expect(await app.get(`${DB}/connections`, { as: trader })).toMatchObject({ status: 403 });
    expect(await app.get(`${DB}/indexes/unused`, { as: trader })).toMatchObject({ status: 403 });
  });

  it('refuse what nobody knows', async () => {
    expect(await app.get(`${DB}/passwords`, { as: auditor })).toMatchObject({
      status: 404,
      body: { code: 'REPORT_NOT_FOUND' },
    });
    expect(await app.get(`${DB}/connections?limit=0&order=1`, { as: auditor })).toMatchObject({
      status: 400,
    });
    const backwards = 'from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z';
    for (const span of ['from=yesterday', backwards])
      for (const report of ['locks', 'indexes/unused', 'queries/1'])
        expect(await app.get(`${DB}/${report}?${span}`, { as: auditor })).toMatchObject({ status: 400 });
  });

  it('say how many rows there are where they show fewer, and show all of a list by themselves', async () => {
    const { body: whole } = await app.get(`${DB}/indexes`, { as: auditor });
    const { body: cut } = await app.get(`${DB}/indexes?limit=3`, { as: auditor });

    expect(whole.total).toBeGreaterThan(100);
    expect(whole.rows).toHaveLength(whole.total);
    expect(whole.notes.join()).not.toContain('limit');
    expect(cut).toMatchObject({ total: whole.total, rows: { length: 3 } });
    expect(cut.notes).toContainEqual(
      `3 of ${whole.total} rows: ?limit=${whole.total} (--limit ${whole.total}) shows all`,
    );
  });

  it('show now where they have no history, and say so', async () => {
    const span = 'from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z';
    for (const report of ['settings', 'indexes/missing']) {
      const { status, body } = await app.get(`${DB}/${report}?${span}`, { as: auditor });
      expect({ status, available: body.available }).toEqual({ status: 200, available: true });
      expect(body.notes).toContainEqual(expect.stringContaining('Shows now'));
    }
  });

  it('are printed in the terminal, and so is one statement', async () => {
    const run = (...words: string[]) =>
      startCommand('../../monitoring/reports/report', words, app.urls).ended;
    const { body } = await app.get(`${DB}/slow-queries`, { as: auditor });
    const { queryId, statement } = body.rows.find(
      (row: { statement: string }) => !row.statement.includes('\n'),
    );
    const [cut, refused, one] = await Promise.all([
      run('indexes', '--limit', '3'),
      run('queries', 'all'),
      run('queries', queryId),
    ]);

    expect(cut).toMatchObject({ code: 0, output: expect.stringMatching(/^Note: 3 of \d+ rows: .*--limit/m) });
    expect(refused).toMatchObject({
      code: 1,
      errors: expect.stringMatching(/^The id must be a query id as/),
    });
    expect(one).toMatchObject({
      code: 0,
      output: expect.stringContaining(`Statement ${queryId}\n${statement}\n`),
    });
  });

  it('show the connections of this very application', async () => {
    const { body } = await app.get(`${DB}/connections`, { as: auditor });

    expect(body.rows).toContainEqual(expect.objectContaining({ application: 'gridtokenx', state: 'idle' }));
    expect(body.summary.used).toBeGreaterThan(0);
  });
});
