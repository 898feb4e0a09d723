import { longLocks } from './lock-check';
import { normalizedStatements } from './sql-text';

const locks = (sql: string, transactional = true) => longLocks(normalizedStatements(sql), transactional);
const tables = (sql: string, transactional = true) => locks(sql, transactional).map(({ table }) => table);

describe('a long lock', () => {
  it.each([
    'CREATE INDEX i ON t (a)',
    'CREATE UNIQUE INDEX IF NOT EXISTS i ON t USING btree (a)',
    'CREATE INDEX ON t (a)',
    'CREATE INDEX "i" ON "public"."t" ("a")',
    'create index i\n  on only T (a)',
    'ALTER TABLE t ALTER COLUMN a TYPE bigint',
    'ALTER TABLE t ALTER a SET DATA TYPE bigint USING a::bigint',
    'ALTER TABLE ONLY public.t ALTER "a" TYPE bigint',
    'ALTER TABLE IF EXISTS t ALTER a SET NOT NULL',
    'ALTER TABLE t ADD COLUMN id uuid DEFAULT gen_random_uuid()',
    `ALTER TABLE t ADD at timestamptz(3) NOT NULL DEFAULT clock_timestamp()`,
    'ALTER TABLE t ADD n bigint DEFAULT mine.next_number()',
    'ALTER TABLE t ADD n bigserial',
    'ALTER TABLE t ADD n bigint GENERATED ALWAYS AS IDENTITY',
    'ALTER TABLE t ADD n bigint GENERATED ALWAYS AS (a + b) STORED',
    'ALTER TABLE t ADD n bigint CHECK (n > 0)',
    'ALTER TABLE t ADD n uuid REFERENCES u (id)',
    'ALTER TABLE t ADD n uuid UNIQUE',
    'ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0)',
    'ALTER TABLE t ADD CHECK (a > 0)',
    'ALTER TABLE t ADD CONSTRAINT c FOREIGN KEY (a) REFERENCES u (id) ON DELETE CASCADE',
    'ALTER TABLE t ADD CONSTRAINT c NOT NULL a',
    'ALTER TABLE t ADD PRIMARY KEY (a)',
    'ALTER TABLE t ADD CONSTRAINT c UNIQUE (a)',
    'ALTER TABLE t ADD CONSTRAINT c EXCLUDE USING gist (a WITH =)',
    'ALTER TABLE t SET UNLOGGED',
    'ALTER TABLE t SET TABLESPACE fast',
    'ALTER TABLE t ADD a int, ALTER b TYPE text',
    'ALTER TABLE u ATTACH PARTITION t FOR VALUES FROM (1) TO (2)',
    'VACUUM FULL t',
    'VACUUM (ANALYZE, FULL) t',
    'CLUSTER t USING i',
    'LOCK TABLE t IN SHARE MODE',
    'LOCK t',
    'REINDEX TABLE t',
    'REINDEX INDEX t',
    'DO $$ BEGIN IF true THEN ALTER TABLE t ALTER a TYPE bigint; END IF; END $$',
    'CREATE TABLE IF NOT EXISTS t (a int); CREATE INDEX i ON t (a)',
  ])('is found in %s', (sql) => {
    expect(tables(sql)).toEqual(['t']);
  });

  it.each([
    'CREATE TABLE t (a int); CREATE INDEX i ON t (a); ALTER TABLE t ALTER a SET NOT NULL',
    'CREATE UNLOGGED TABLE "t" (a int); ALTER TABLE public.t ADD CHECK (a > 0)',
    'CREATE INDEX CONCURRENTLY i ON t (a)',
    'CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a)',
    'ALTER TABLE t ADD a int',
    `ALTER TABLE t ADD COLUMN IF NOT EXISTS a numeric(3, 1) NOT NULL DEFAULT 1.5, ADD b text DEFAULT 'UNIQUE f(x)'`,
    'ALTER TABLE t ADD created_at timestamptz(3) NOT NULL DEFAULT now()',
    'ALTER TABLE t ADD n bigint GENERATED ALWAYS AS (a + b) VIRTUAL',
    'ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID',
    'ALTER TABLE t ADD CONSTRAINT c FOREIGN KEY (a) REFERENCES u NOT VALID',
    'ALTER TABLE t ADD CONSTRAINT c PRIMARY KEY USING INDEX i',
    'ALTER TABLE t VALIDATE CONSTRAINT c',
    'ALTER TABLE t DROP COLUMN a, ALTER b SET DEFAULT 1, ALTER c DROP NOT NULL, RENAME TO s',
    'ALTER INDEX i ATTACH PARTITION j',
    'VACUUM (ANALYZE, FULL false) t',
    'VACUUM ANALYZE t',
    'CLUSTER',
    'REINDEX TABLE CONCURRENTLY t',
    'REINDEX INDEX CONCURRENTLY t',
    'REINDEX (CONCURRENTLY) TABLE t',
    `INSERT INTO t VALUES ('CREATE INDEX i ON t (a)')`,
    'CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $$ LOCK TABLE t $$',
    `DO $$ BEGIN RAISE NOTICE 'done'; END $$`,
  ])('is not found in %s', (sql) => {
    expect(tables(sql)).toEqual([]);
  });

  it('is none on a partitioned table by ON ONLY', () => {
    expect(locks('CREATE INDEX i ON ONLY t (a)')).toMatchObject([{ unlessPartitioned: true }]);
    expect(locks('CREATE INDEX i ON t (a)')[0]).not.toHaveProperty('unlessPartitioned');
  });

  it('is none by NOT NULL that a check has proven', () => {
    const check = 'ALTER TABLE t ADD CONSTRAINT c CHECK ("a" IS NOT NULL) NOT VALID';
    const validation = 'ALTER TABLE t VALIDATE CONSTRAINT c';
    const set = 'ALTER TABLE t ALTER COLUMN a SET NOT NULL';
    expect(tables([check, validation, set].join(';'), false)).toEqual([]);
    expect(tables([check, set].join(';'), false)).toEqual(['t']);
    expect(locks(set)).toMatchObject([{ unlessNeverNull: 'a' }]);
  });

  it('is that of ADD CONSTRAINT as long as its transaction validates', () => {
    const sql = 'ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID; ALTER TABLE t VALIDATE CONSTRAINT c';
    expect(tables(sql)).toEqual(['t']);
    expect(tables(sql, false)).toEqual([]);
  });

  it('is shown with its statement, what it does and what would do instead', () => {
    expect(locks('CREATE INDEX i ON t (a)')).toEqual([
      {
        statement: 'CREATE INDEX i ON t(a)',
        table: 't',
        why: 'keeps writers out while it builds an index',
        instead: 'CREATE INDEX CONCURRENTLY with readonly transaction = false in a migration of its own',
      },
    ]);
  });
});
