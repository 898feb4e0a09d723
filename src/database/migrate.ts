import { DataSource } from 'typeorm';
import { grantApplicationRights } from './application-rights';
import { migrationDataSource } from './data-source-options';
import { DatabaseNotUsable } from './explained-error';
import { sqlState } from './query-events';

/** "gridtokenx" as a number: every process that migrates asks for the same lock. */
const MIGRATION_LOCK = 4_711_072_001;
/** SQLSTATE insufficient_privilege. */
const MISSING_RIGHT = '42501';
const POLL_MS = 50;
const DEADLINE_MS = 120_000;

/**
 * Brings the schema up to date as its owner, once, however many processes start together, and gives the role
 * that the application works as exactly the rights it needs.
 * @returns the names of the migrations that ran
 */
export async function migrate(ownerUrl: string, applicationUrl: string): Promise<string[]> {
  return asOwner(ownerUrl, async (owner) => {
    const applied = await owner.runMigrations({ transaction: 'each' });
    await grantApplicationRights(owner, decodeURIComponent(new URL(applicationUrl).username));
    return applied.map(({ name }) => name);
  });
}

/** Takes the last migration back. @returns its name, or undefined when nothing was applied */
export async function undoLastMigration(ownerUrl: string): Promise<string | undefined> {
  return asOwner(ownerUrl, async (owner) => {
    const last = (
      await owner.query<{ name: string }[]>('SELECT name FROM migrations ORDER BY id DESC LIMIT 1')
    )[0];
    if (last === undefined) return undefined;
    await owner.undoLastMigration({ transaction: 'each' });
    return last.name;
  });
}

async function asOwner<Result>(
  ownerUrl: string,
  work: (owner: DataSource) => Promise<Result>,
): Promise<Result> {
  const owner = await new DataSource(migrationDataSource(ownerUrl)).initialize();
  try {
    return await withMigrationLock(owner, () => work(owner));
  } catch (error) {
    if (sqlState(error) !== MISSING_RIGHT) throw error;
    const role = decodeURIComponent(new URL(ownerUrl).username);
    throw new DatabaseNotUsable(
      `The role ${role} may not change the schema (${(error as Error).message}): let DATABASE_MIGRATION_URL, or DATABASE_URL without it, name the role that owns the database`,
    );
  } finally {
    await owner.destroy();
  }
}

/** Polls for the lock: a session that waits inside pg_advisory_lock would deadlock with CREATE INDEX CONCURRENTLY. */
async function withMigrationLock<Result>(owner: DataSource, work: () => Promise<Result>): Promise<Result> {
  const session = owner.createQueryRunner();
  await session.connect();
  try {
    const deadline = Date.now() + DEADLINE_MS;
    while (!(await tryLock(session))) {
      if (Date.now() > deadline)
        throw new DatabaseNotUsable(
          'Another process has been migrating this database for two minutes: see what it waits for in pg_stat_activity',
        );
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    return await work();
  } finally {
    await session.query('SELECT pg_advisory_unlock($1)', [MIGRATION_LOCK]).catch(() => undefined);
    await session.release();
  }
}

async function tryLock(session: {
  query(text: string, values: unknown[]): Promise<unknown>;
}): Promise<boolean> {
  const rows = (await session.query('SELECT pg_try_advisory_lock($1) AS locked', [MIGRATION_LOCK])) as {
    locked: boolean;
  }[];
  return rows[0]?.locked === true;
}
