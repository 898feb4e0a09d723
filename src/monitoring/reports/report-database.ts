import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Pool } from 'pg';
import { DATABASE_URLS, type DatabaseUrls } from '../../database/database.module';
import { runnerOf, type StatementRunner } from '../../database/indexes/statement-runner';
import { migrationsOfCode, type KnownMigration } from '../../database/schema/known-migrations';
import { appliedMigrations } from '../../database/schema/migration-history';
import { migrationStates, type MigrationStatus } from '../../database/schema/migration-states';

/** Reports look at much; they may not take what requests need. */
const CONNECTIONS = 2;
/** One for the report that takes longest, which weighs indexes, and one for all others. */
const SESSIONS = 2;
/** Longer than that report: who comes after it is to wait for it, not to fail. */
const CONNECT_MS = 15_000;
const STATEMENT_MS = 10_000;
/** A server that ends no statement any more is given up. */
const SILENCE_MS = STATEMENT_MS + 2_000;
const LOCK_MS = 1_000;
const IDLE_MS = 30_000;

/**
 * A few connections of the owner that change nothing: the application's role does not see what other roles ask, and
 * reports must work while its own pool is used up.
 */
@Injectable()
export class ReportDatabase implements OnApplicationShutdown {
  private readonly pool: Pool;
  private readonly sessions: Pool;
  private known: Promise<readonly KnownMigration[]> | undefined;
  private version: Promise<number> | undefined;

  constructor(@Inject(DATABASE_URLS) { ownerUrl }: Pick<DatabaseUrls, 'ownerUrl'>) {
    const server = {
      connectionString: ownerUrl,
      application_name: 'gridtokenx reports',
      connectionTimeoutMillis: CONNECT_MS,
      query_timeout: SILENCE_MS,
    };
    this.pool = new Pool({
      ...server,
      max: CONNECTIONS,
      idleTimeoutMillis: IDLE_MS,
      statement_timeout: STATEMENT_MS,
      options: `-c default_transaction_read_only=on -c lock_timeout=${LOCK_MS}`,
    });
    this.pool.on('error', () => undefined); // whoever asks next is told
    this.sessions = new Pool({ ...server, max: SESSIONS });
  }

  async query<Row = Record<string, unknown>>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    const { rows } = await this.pool.query(text, [...values]);
    return rows as Row[];
  }

  /**
   * A new session for statements that belong together, which ends with `work`: what it set is gone then. Beside the two
   * timeouts it is as the server gives it to the owner. What it tries out in a transaction it rolls back. A text that
   * comes with values, be they none, is one statement and no more.
   */
  async session<Result>(work: (session: StatementRunner) => Promise<Result>): Promise<Result> {
    const client = await this.sessions.connect();
    client.on('error', () => undefined); // the statement that runs is told
    try {
      await client.query(`SET statement_timeout = ${STATEMENT_MS}; SET lock_timeout = ${LOCK_MS}`);
      return await work(runnerOf(client));
    } finally {
      client.release(true);
    }
  }

  /** Every migration of this code and of the database, and its state. */
  async migrations(): Promise<readonly MigrationStatus[]> {
    this.known ??= migrationsOfCode();
    const applied = await appliedMigrations({ query: (text, values) => this.query(text, values) });
    return migrationStates(await this.known, applied);
  }

  serverVersion(): Promise<number> {
    this.version ??= this.readVersion();
    return this.version;
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all([this.pool.end(), this.sessions.end()]);
  }

  /** Another server may stand behind the address tomorrow, but not another one that fails now. */
  private async readVersion(): Promise<number> {
    try {
      const [row] = await this.query<{ version: string }>(
        `SELECT current_setting('server_version_num') AS version`,
      );
      return Number(row?.version);
    } catch (error) {
      this.version = undefined;
      throw error;
    }
  }
}
