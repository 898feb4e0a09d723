import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Pool } from 'pg';
import { DATABASE_URLS, type DatabaseUrls } from '../../database/database.module';

/** Reports look at much; they may not take what requests need. */
const CONNECTIONS = 2;
const CONNECT_MS = 5_000;
const STATEMENT_MS = 10_000;
const IDLE_MS = 30_000;

/**
 * A few connections of the owner that change nothing: the application's role does not see what other roles ask, and
 * reports must work while its own pool is used up.
 */
@Injectable()
export class ReportDatabase implements OnApplicationShutdown {
  private readonly pool: Pool;
  private version: Promise<number> | undefined;

  constructor(@Inject(DATABASE_URLS) { ownerUrl }: Pick<DatabaseUrls, 'ownerUrl'>) {
    this.pool = new Pool({
      connectionString: ownerUrl,
      application_name: 'gridtokenx reports',
      max: CONNECTIONS,
      connectionTimeoutMillis: CONNECT_MS,
      idleTimeoutMillis: IDLE_MS,
      statement_timeout: STATEMENT_MS,
      options: '-c default_transaction_read_only=on -c lock_timeout=1000',
    });
    this.pool.on('error', () => undefined); // whoever asks next is told
  }

  async query<Row = Record<string, unknown>>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    const { rows } = await this.pool.query(text, [...values]);
    return rows as Row[];
  }

  serverVersion(): Promise<number> {
    this.version ??= this.readVersion();
    return this.version;
  }

  async onApplicationShutdown(): Promise<void> {
    await this.pool.end();
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
