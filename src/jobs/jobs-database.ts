import { setTimeout as delay } from 'node:timers/promises';
import { Pool, type QueryResult } from 'pg';
import { databaseFailure } from '../database/failures';
import type { InFlight } from './in-flight';

const RETRY_MS = 500;
const CONNECTIONS = 3;
const CONNECT_MS = 5_000;

/**
 * The connections of pg-boss. It does not wait for the answer when it notes that a job is done or has failed, so an error
 * of the database there would end the process as an unhandled rejection: instead every statement waits until the database
 * answers. All of them bear being done twice.
 */
export class JobsDatabase {
  private readonly pool: Pool;
  private readonly closing = new AbortController();
  /** Where somebody waits to try again; all others wait with them. */
  private pause: Promise<void> | undefined;

  /**
   * @param ownerUrl pg-boss keeps a schema and a partition per queue of its own
   * @param complain hears of every attempt that the database did not answer
   * @param inFlight knows of every statement
   */
  constructor(
    ownerUrl: string,
    private readonly complain: (error: unknown) => void,
    private readonly inFlight: InFlight,
  ) {
    this.pool = new Pool({
      connectionString: ownerUrl,
      application_name: 'gridtokenx jobs',
      max: CONNECTIONS,
      connectionTimeoutMillis: CONNECT_MS,
      keepAlive: true,
    });
    this.pool.on('error', complain);
  }

  /**
   * Called by pg-boss.
   * @returns undefined when the database does not answer and nobody waits for it any more, as pg-boss's own connections do
   */
  executeSql(text: string, values?: unknown[]): Promise<QueryResult | undefined> {
    return this.inFlight.track(this.untilAnswered(text, values));
  }

  /** From now on a statement that fails is given up. */
  stopWaiting(): void {
    this.closing.abort();
  }

  async close(): Promise<void> {
    this.stopWaiting();
    await this.pool.end();
  }

  private async untilAnswered(text: string, values?: unknown[]): Promise<QueryResult | undefined> {
    for (;;) {
      try {
        return await this.pool.query(text, values);
      } catch (error) {
        if (this.closing.signal.aborted) return undefined;
        if (databaseFailure(error) === undefined) throw error;
        this.complain(error);
        await (this.pause ??= this.pauseOnce());
      }
    }
  }

  /** Every queue has a statement that waits: pauses of their own would be as many listeners of one signal. */
  private async pauseOnce(): Promise<void> {
    await delay(RETRY_MS, undefined, { signal: this.closing.signal }).catch(() => undefined);
    this.pause = undefined;
  }
}
