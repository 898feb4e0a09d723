import { migrate } from '../src/database/schema/migrate';
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
                              AND (i.indkey::int2[])[0:cardinality(c.conkey) - 1] @> c.conkey
                              AND i.indisvalid
                              AND (SELECT amname = 'btree' FROM pg_class x JOIN pg_am m ON m.oid = x.relam WHERE x.oid = i.indexrelid)
                              AND (i.indpred IS NULL OR pg_get_expr(i.indpred, i.indrelid) IN (
                                    SELECT format('(%I IS NOT NULL)', a.attname) FROM pg_attribute a
                                     WHERE a.attrelid = c.conrelid AND a.attnum = c.conkey[1])))`,
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

  it.each(['audit_logs', 'ledger_entries'])(
    'nor a partition of %s, whatever it was granted once',
    async (table) => {
      await asOwner(app.urls, `SELECT ensure_month_partition('${table}', '2001-02-01')`);
      const partition = `${table}_2001_02`;
      const role = new URL(app.urls.applicationUrl).username;
      await asOwner(app.urls, `GRANT UPDATE, DELETE ON ${partition} TO ${role}`);
      await app.database.query(`DELETE FROM ${partition}`);
      await migrate(app.urls.ownerUrl, app.urls.applicationUrl);
      for (const statement of [
        `DELETE FROM ${partition}`,
        `UPDATE ${partition} SET id = id`,
        `TRUNCATE ${partition}`,
      ]) {
        await expect(app.database.query(statement)).rejects.toMatchObject({ code: '42501' });
      }
    },
  );

  it('does not let the application make or drop anything', async () => {
    await expect(app.database.query('CREATE TABLE mine (id int)')).rejects.toMatchObject({ code: '42501' });
    await expect(app.database.query('DROP TABLE users')).rejects.toMatchObject({ code: '42501' });
  });
});
