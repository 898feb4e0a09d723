import type { QueryRunner } from 'typeorm';
import { rowsOf, type StatementRunner } from '../indexes/statement-runner';
import type { KnownMigration } from './known-migrations';

/** A migration that was applied to a database, whether or not this code knows it. */
export interface AppliedMigration {
  readonly name: string;
  /** None where a version without checksums applied it; it is adopted then. */
  readonly checksum: string | undefined;
  readonly appliedAt: Date | undefined;
  readonly durationMs: number | undefined;
}

/** Beside TypeORM's own table `migrations`, which says what is applied and in what order. */
const CREATE_HISTORY = `
  CREATE TABLE IF NOT EXISTS migration_history (
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamptz(3),
    duration_ms integer,
    CONSTRAINT migration_history_pkey PRIMARY KEY (name)
  )`;

/** What is applied to this database, in the order in which it was; reads only, in whatever state the database is. */
export async function appliedMigrations(runner: StatementRunner): Promise<AppliedMigration[]> {
  const tables = await rowsOf<{ migrations: boolean; history: boolean }>(
    runner,
    `SELECT bool_or(relname = 'migrations') AS migrations, bool_or(relname = 'migration_history') AS history
       FROM pg_class WHERE relnamespace = to_regnamespace(quote_ident(current_schema())) AND relkind = 'r'`,
  );
  if (tables[0]?.migrations !== true) return [];
  const rows = await rowsOf<{
    name: string;
    checksum: string | null;
    applied_at: Date | null;
    duration_ms: number | null;
  }>(
    runner,
    tables[0].history
      ? `SELECT m.name, h.checksum, h.applied_at, h.duration_ms
           FROM migrations m LEFT JOIN migration_history h ON h.name = m.name ORDER BY m.id`
      : 'SELECT name, NULL AS checksum, NULL AS applied_at, NULL AS duration_ms FROM migrations ORDER BY id',
  );
  return rows.map((row) => ({
    name: row.name,
    checksum: row.checksum ?? undefined,
    appliedAt: row.applied_at ?? undefined,
    durationMs: row.duration_ms ?? undefined,
  }));
}

/** Writes down that a migration was applied just now. */
export async function remember(
  runner: QueryRunner,
  { name, checksum }: KnownMigration,
  durationMs: number,
): Promise<void> {
  await runner.query(CREATE_HISTORY);
  await runner.query(
    `INSERT INTO migration_history (name, checksum, applied_at, duration_ms)
     VALUES ($1, $2, clock_timestamp(), $3)
     ON CONFLICT (name) DO UPDATE
       SET checksum = excluded.checksum, applied_at = excluded.applied_at, duration_ms = excluded.duration_ms`,
    [name, checksum, Math.round(durationMs)],
  );
}

/** Takes over migrations that were applied by a version without checksums: as they are now counts as applied. */
export async function adopt(runner: QueryRunner, migrations: readonly KnownMigration[]): Promise<void> {
  if (migrations.length === 0) return;
  await runner.query(CREATE_HISTORY);
  await runner.query(
    `INSERT INTO migration_history (name, checksum) SELECT * FROM unnest($1::text[], $2::text[])
     ON CONFLICT (name) DO NOTHING`,
    [migrations.map(({ name }) => name), migrations.map(({ checksum }) => checksum)],
  );
}

/** Forgets a migration that was taken back. */
export async function forget(runner: QueryRunner, { name }: KnownMigration): Promise<void> {
  await runner.query('DELETE FROM migration_history WHERE name = $1', [name]);
}
