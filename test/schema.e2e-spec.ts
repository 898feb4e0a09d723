import { startApp, type TestApp } from './support/app';
import { asOwner } from './support/database';

describe('the schema of a running application', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp();
  });
  afterAll(() => app.close());

  it('covers every foreign key with an index', async () => {
    const uncovered = await asOwner(
      app.urls,
      `SELECT c.conrelid::regclass || ' ' || c.conname AS fk FROM pg_constraint c
          WHERE c.contype = 'f' AND c.connamespace = 'public'::regnamespace AND c.conparentid = 0
            AND NOT EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = c.conrelid
                              AND (i.indkey::int2[])[0:cardinality(c.conkey) - 1] @> c.conkey)`,
    );
    expect(uncovered).toEqual([]);
  });

  it('has the 59 named indexes', async () => {
    const rows = await asOwner<{ count: string }>(
      app.urls,
      `SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
          WHERE c.relname LIKE 'idx\\_%' AND NOT t.relispartition`,
    );
    expect(Number(rows[0]?.count)).toBe(59);
  });

  it.each(['audit_logs', 'ledger_entries', 'ledger_transfers'])(
    'does not let the application change or delete %s',
    async (table) => {
      for (const statement of [`DELETE FROM ${table}`, `UPDATE ${table} SET id = id`, `TRUNCATE ${table}`]) {
        await expect(app.database.query(statement)).rejects.toMatchObject({ code: '42501' });
      }
    },
  );

  it('does not let the application make or drop anything', async () => {
    await expect(app.database.query('CREATE TABLE mine (id int)')).rejects.toMatchObject({ code: '42501' });
    await expect(app.database.query('DROP TABLE users')).rejects.toMatchObject({ code: '42501' });
  });
});
