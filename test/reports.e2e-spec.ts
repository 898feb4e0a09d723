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
    expect(body).toContainEqual(
      expect.objectContaining({ report: 'connections', meaning: expect.any(String) }),
    );
  });

  it('are all answered, each in its form', async () => {
    const { body: reports } = await app.get(DB, { as: auditor });

    for (const { report } of reports) {
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
    expect(await app.get(`${DB}/connections?from=2026-01-01T00:00:00Z`, { as: auditor })).toMatchObject({
      status: 400,
      body: { detail: expect.stringContaining('has no history') },
    });
  });

  it('show the connections of this very application', async () => {
    const { body } = await app.get(`${DB}/connections`, { as: auditor });

    expect(body.rows).toContainEqual(expect.objectContaining({ application: 'gridtokenx', state: 'idle' }));
    expect(body.summary.used).toBeGreaterThan(0);
  });
});
