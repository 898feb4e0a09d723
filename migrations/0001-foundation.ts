import type { MigrationInterface, QueryRunner } from 'typeorm';
import { DatabaseNotUsable } from '../src/database/explained-error';

const INSUFFICIENT_PRIVILEGE = '42501';

/** Without these the schema cannot stand. */
const REQUIRED = ['btree_gist', 'pg_trgm'];
/** Without this one the reports on statements have nothing to read. */
const REPORTING = 'pg_stat_statements';

/** Extensions, and the function through which the application asks its owner for monthly partitions. */
export class Foundation1795305600001 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const extension of [...REQUIRED, REPORTING]) await createExtension(queryRunner, extension);
    await queryRunner.query(`
      CREATE FUNCTION ensure_month_partition(parent text, month date) RETURNS void
      LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
      DECLARE
        first_day date := date_trunc('month', month)::date;
        partition text := parent || to_char(first_day, '"_"YYYY"_"MM');
        lower_bound text := to_char(first_day, 'YYYY-MM-DD') || ' 00:00:00+00';
        upper_bound text := to_char(first_day + interval '1 month', 'YYYY-MM-DD') || ' 00:00:00+00';
        placed_by text;
      BEGIN
        SELECT a.attname INTO placed_by
          FROM pg_partitioned_table p
          JOIN pg_class c ON c.oid = p.partrelid
          JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = p.partattrs[0]
         WHERE c.relname = parent AND c.relnamespace = current_schema()::regnamespace AND p.partstrat = 'r';
        IF placed_by IS NULL THEN
          RAISE EXCEPTION '% is not a table partitioned by month', parent;
        END IF;
        IF to_regclass(format('%I', partition)) IS NOT NULL THEN RETURN; END IF;
        PERFORM pg_advisory_xact_lock(hashtextextended(partition, 0));
        -- By a query: to_regclass would answer from what it cached before the wait.
        IF EXISTS (SELECT FROM pg_class c WHERE c.relname = partition AND c.relnamespace = current_schema()::regnamespace) THEN
          RETURN;
        END IF;
        -- PARTITION OF would lock the parent against all writers; ATTACH with a proven CHECK does not.
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', partition, parent);
        EXECUTE format('ALTER TABLE %I ADD CONSTRAINT of_month CHECK (%I >= %L AND %I < %L)',
                       partition, placed_by, lower_bound, placed_by, upper_bound);
        EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                       parent, partition, lower_bound, upper_bound);
        EXECUTE format('ALTER TABLE %I DROP CONSTRAINT of_month', partition);
      END $$`);
    await queryRunner.query('REVOKE ALL ON FUNCTION ensure_month_partition(text, date) FROM PUBLIC');
  }

  /** Extensions stay: others in the same database may have come to use them. */
  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP FUNCTION ensure_month_partition(text, date)');
  }
}

/** Creates an extension inside a savepoint, so that a missing right can be named instead of merely failing. */
async function createExtension(queryRunner: QueryRunner, extension: string): Promise<void> {
  await queryRunner.query('SAVEPOINT before_extension');
  try {
    await queryRunner.query(`CREATE EXTENSION IF NOT EXISTS ${extension}`);
    await queryRunner.query('RELEASE SAVEPOINT before_extension');
  } catch (error) {
    await queryRunner.query('ROLLBACK TO SAVEPOINT before_extension');
    const missingRight = (error as { code?: string }).code === INSUFFICIENT_PRIVILEGE;
    const mend = missingRight
      ? `the role of DATABASE_MIGRATION_URL may not create it: let a superuser run CREATE EXTENSION ${extension} in this database`
      : `${(error as Error).message}: install PostgreSQL's contrib package on the database server`;
    if (extension !== REPORTING) {
      throw new DatabaseNotUsable(`Extension ${extension} is missing, and ${mend}`, { cause: error });
    }
    process.stderr.write(`Extension ${extension} is missing, reports on statements stay empty: ${mend}\n`);
  }
}
