import { DataSource } from 'typeorm';
import { migrationDataSource } from '../src/database/data-source-options';
import { migrate, undoMigrations } from '../src/database/schema/migrate';
import { startApp, type TestApp } from './support/app';
import { asOwner, emptyDatabase } from './support/database';

/** Everything that migrations make, as PostgreSQL describes it. */
const DESCRIPTION = `
  SELECT 'column' AS kind, table_name || '.' || column_name AS name, data_type || coalesce(column_default, '') || is_nullable AS detail
    FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE 'migration%' AND table_name NOT LIKE 'pg\\_%'
  UNION ALL SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename NOT LIKE 'migration%'
  UNION ALL SELECT 'constraint', conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace AND contype <> 'n' AND conrelid::regclass::text NOT LIKE 'migration%'
  UNION ALL SELECT 'enum', typname, string_agg(enumlabel, ',' ORDER BY enumsortorder) FROM pg_enum JOIN pg_type t ON t.oid = enumtypid GROUP BY typname
  UNION ALL SELECT 'function', proname, pg_get_functiondef(p.oid) FROM pg_proc p
    WHERE pronamespace = 'public'::regnamespace AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
  ORDER BY 1, 2, 3`;

describe('the schema', () => {
  it('goes up, down to nothing, and up again to the very same', async () => {
    const urls = await emptyDatabase();
    const applied = await migrate(urls.ownerUrl, urls.applicationUrl);
    const first = await asOwner(urls, DESCRIPTION);
    expect(await undoMigrations(urls.ownerUrl, { to: '0' })).toEqual(applied.toReversed());
    expect(await asOwner(urls, DESCRIPTION)).toEqual([]);
    expect(await migrate(urls.ownerUrl, urls.applicationUrl)).toEqual(applied);
    expect(await asOwner(urls, DESCRIPTION)).toEqual(first);
  }, 60_000);

  it('is migrated once by many processes that start together', async () => {
    const urls = await emptyDatabase();
    const runs = await Promise.all(
      Array.from({ length: 5 }, () => migrate(urls.ownerUrl, urls.applicationUrl)),
    );
    expect(runs.filter((applied) => applied.length > 0)).toHaveLength(1);
  }, 60_000);

  describe('of a running application', () => {
    let app: TestApp;
    beforeAll(async () => {
      app = await startApp();
    });
    afterAll(() => app.close());

    it('is what the entities say', async () => {
      const entities = app.nest.get(DataSource).options.entities;
      const owner = await new DataSource({
        ...migrationDataSource(app.urls.ownerUrl),
        entities: entities ?? [],
      }).initialize();
      try {
        const { upQueries } = await owner.driver.createSchemaBuilder().log();
        expect(upQueries.map(({ query }) => query)).toEqual([]);
      } finally {
        await owner.destroy();
      }
    });

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
        for (const statement of [
          `DELETE FROM ${table}`,
          `UPDATE ${table} SET id = id`,
          `TRUNCATE ${table}`,
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
});
