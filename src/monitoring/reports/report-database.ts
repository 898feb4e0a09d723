import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Pool } from 'pg';
import { DATABASE_URLS, type DatabaseUrls } from '../../database/database.module';
import type { StatementRunner } from '../../database/indexes/statement-runner';
import { migrationInfo } from '../../database/schema/migrate';
import type { MigrationStatus } from '../../database/schema/migration-states';

/** Reports look at much; they may not take what requests need. */
const CONNECTIONS = 2;
const CONNECT_MS = 5_000;
const STATEMENT_MS = 10_000;
const LOCK_MS = 1_000;
const IDLE_MS = 30_000;

/**
 * A few connections of the owner that change nothing: the application's role does not see what other roles ask, and
 * reports must work while its own pool is used up.
 */
@Injectable()
export class ReportDatabase implements OnApplicationShutdown {
  private readonly pool: Pool;
  /** Reports that try something out take turns. */
  private readonly sessions: Pool;
  private readonly ownerUrl: string;
  private version: Promise<number> | undefined;

  constructor(@Inject(DATABASE_URLS) { ownerUrl }: Pick<DatabaseUrls, 'ownerUrl'>) {
    this.ownerUrl = ownerUrl;
    const server = {
      connectionString: ownerUrl,
      application_name: 'gridtokenx reports',
      connectionTimeoutMillis: CONNECT_MS,
    };
    this.pool = new Pool({
      ...server,
      max: CONNECTIONS,
      idleTimeoutMillis: IDLE_MS,
      statement_timeout: STATEMENT_MS,
      options: `-c default_transaction_read_only=on -c lock_timeout=${LOCK_MS}`,
    });
    this.pool.on('error', () => undefined); // whoever asks next is told
    this.sessions = new Pool({ ...server, max: 1 });
  }

  async query<Row = Record<string, unknown>>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    const { rows } = await this.pool.query(text, [...values]);
    return rows as Row[];
  }

  /**
   * A new session for statements that belong together, which ends with `work`: what it set is gone then. Beside the two
   * timeouts it is as the server gives it to the owner. What it tries out in a transaction it rolls back.
   */
  async session<Result>(work: (session: StatementRunner) => Promise<Result>): Promise<Result> {
    const client = await this.sessions.connect();
    client.on('error', () => undefined); // the statement that runs is told
    try {
      await client.query(`SET statement_timeout = ${STATEMENT_MS}; SET lock_timeout = ${LOCK_MS}`);
      return await work(client);
    } finally {
      client.release(true);
    }
  }

  /** Every migration of this code and of the database, and its state. */
  migrations(): Promise<readonly MigrationStatus[]> {
    return migrationInfo(this.ownerUrl);
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
