import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { Client } from 'pg';
import { DATABASE_URLS, type DatabaseUrls } from '../../database/database.module';
import { Interrupted } from '../../database/explained-error';
import { databaseFailure } from '../../database/failures';
import { rowsOf } from '../../database/indexes/statement-runner';
import { asOwner, type OwnerSession } from '../../database/schema/owner-session';

const APPLICATION = 'gridtokenx maintenance';
/** Cancelling is repeated: between two statements there is nothing to cancel. */
const CANCEL_EVERY_MS = 100;
const CANCELLATIONS = 15;

/** The key of the lock that whoever works under a name holds; `$1` is the name. */
const LOCK = 'hashtextextended($1, 0)';
/** Whether somebody works under a name just now: `$1`. The answer's column is `held`. */
export const WORK_UNDER_WAY = `
  SELECT EXISTS (
    SELECT FROM pg_locks
     WHERE locktype = 'advisory' AND granted AND objsubid = 1
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND (classid::bigint << 32) + objid::bigint = ${LOCK}) AS held`;

/**
 * Long work as the owner of the database, in a session of its own without time limits. The session holds a lock by the
 * work's name: a job that pg-boss took for dead and started again finds that the first run is still at it, and a process
 * that dies lets go of it within seconds.
 */
@Injectable()
export class OwnerWork implements BeforeApplicationShutdown {
  private readonly end = new AbortController();
  /** The server's processes that work for this one. */
  private readonly pids = new Set<number>();

  constructor(@Inject(DATABASE_URLS) private readonly urls: DatabaseUrls) {}

  /**
   * @param work is given a signal that ends it between two statements; the one that runs is cancelled on the server
   * @returns undefined when somebody else works under that name
   * @throws what `work` throws, and {@link Interrupted} when this process ends meanwhile
   */
  async alone<Result>(
    name: string,
    work: (session: OwnerSession, signal: AbortSignal) => Promise<Result>,
  ): Promise<{ readonly result: Result } | undefined> {
    this.end.signal.throwIfAborted();
    return asOwner(this.urls.ownerUrl, (session) => this.underLock(name, session, work), { migrations: [] });
  }

  /** Whether an error says nothing about the work: the process ends, or the database is away. It is to be done again. */
  isUnfinished(error: unknown): boolean {
    return this.end.signal.aborted || databaseFailure(error) === 'away';
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.end.abort(new Interrupted('The process ends before the work was done: it goes on elsewhere'));
    if (this.pids.size === 0) return;
    const client = new Client({ connectionString: this.urls.ownerUrl, application_name: APPLICATION });
    client.on('error', () => undefined); // the server is going, and the work with it
    try {
      await client.connect();
      for (let left = CANCELLATIONS; left > 0 && this.pids.size > 0; left--) {
        await client.query('SELECT pg_cancel_backend(pid) FROM unnest($1::int[]) AS pid', [[...this.pids]]);
        await delay(CANCEL_EVERY_MS);
      }
    } catch (error) {
      if (databaseFailure(error) === undefined) throw error;
    } finally {
      await client.end().catch(() => undefined);
    }
  }

  private async underLock<Result>(
    name: string,
    session: OwnerSession,
    work: (session: OwnerSession, signal: AbortSignal) => Promise<Result>,
  ): Promise<{ readonly result: Result } | undefined> {
    const { runner } = session;
    const [lock] = await rowsOf<{ pid: number; taken: boolean }>(
      runner,
      `SELECT pg_backend_pid() AS pid, pg_try_advisory_lock(${LOCK}) AS taken,
              set_config('application_name', $2, false) AS named`,
      [name, APPLICATION],
    );
    if (lock?.taken !== true) return undefined;
    this.pids.add(lock.pid);
    try {
      return { result: await work(session, this.end.signal) };
    } finally {
      this.pids.delete(lock.pid);
      // A broken session has let go of it already.
      await runner.query(`SELECT pg_advisory_unlock(${LOCK})`, [name]).catch(() => undefined);
    }
  }
}
