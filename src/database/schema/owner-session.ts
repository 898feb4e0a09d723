import {
  DataSource,
  QueryRunnerAlreadyReleasedError,
  type MigrationInterface,
  type QueryRunner,
} from 'typeorm';
import { migrationDataSource } from '../data-source-options';
import { DatabaseNotUsable } from '../explained-error';
import { sqlState } from '../query-events';
import { SqlState } from '../sql-states';

/** SQLSTATE read_only_sql_transaction: a standby, or a database that is set to be read only. */
const READ_ONLY = SqlState.READ_ONLY_SQL_TRANSACTION;
/** SQLSTATE invalid_parameter_value: this platform cannot tell that a client has gone. */
const NOT_ON_THIS_PLATFORM = SqlState.INVALID_PARAMETER_VALUE;

/** What the code says the schema is. */
export interface Code {
  /** Entities, or the files that hold them; none when left out. */
  readonly entities?: (string | (new () => object))[] | undefined;
  /** Migrations; those of the folder when left out. */
  readonly migrations?: (new () => MigrationInterface)[] | undefined;
}

/** One session of the owner. What it locks, and what it does under the lock, end together. */
export interface OwnerSession {
  readonly dataSource: DataSource;
  readonly runner: QueryRunner;
}

/**
 * Works as the owner of the schema, in one session.
 * @throws DatabaseNotUsable when the role may not do what is asked, the database takes no changes, or the connection broke
 */
export async function asOwner<Result>(
  ownerUrl: string,
  work: (session: OwnerSession) => Promise<Result>,
  { entities = [], migrations }: Code = {},
): Promise<Result> {
  const options = { ...migrationDataSource(ownerUrl), entities, installExtensions: false };
  const dataSource = await new DataSource(
    migrations === undefined ? options : { ...options, migrations },
  ).initialize();
  try {
    const runner = dataSource.createQueryRunner();
    try {
      await settle(runner);
      return await work({ dataSource, runner });
    } finally {
      await runner.release();
    }
  } catch (error) {
    throw explained(error, decodeURIComponent(new URL(ownerUrl).username));
  } finally {
    await dataSource.destroy();
  }
}

/** No limit that is meant for requests ends a migration; a client that was killed ends it within seconds. */
async function settle(runner: QueryRunner): Promise<void> {
  await runner.query(
    `SELECT set_config(name, '0', false) FROM unnest(ARRAY['statement_timeout', 'lock_timeout',
      'idle_in_transaction_session_timeout']) AS name`,
  );
  try {
    await runner.query(`SET client_connection_check_interval = '2s'`);
  } catch (error) {
    if (sqlState(error) !== NOT_ON_THIS_PLATFORM) throw error;
  }
}

function explained(error: unknown, role: string): unknown {
  if (error instanceof DatabaseNotUsable) return error;
  if (error instanceof QueryRunnerAlreadyReleasedError) {
    return new DatabaseNotUsable(
      'The connection to the database broke: see that the server runs, and start again, which goes on where it stopped',
      { cause: error },
    );
  }
  const { message } = error as Error;
  if (sqlState(error) === SqlState.INSUFFICIENT_PRIVILEGE) {
    return new DatabaseNotUsable(
      `The role ${role} lacks a right (${message}): let DATABASE_MIGRATION_URL, or DATABASE_URL without it, name the role that owns the database`,
      { cause: error },
    );
  }
  if (sqlState(error) === READ_ONLY) {
    return new DatabaseNotUsable(
      `This database takes no changes (${message}): let DATABASE_MIGRATION_URL lead to the server that does, not to a standby`,
      { cause: error },
    );
  }
  return error;
}
