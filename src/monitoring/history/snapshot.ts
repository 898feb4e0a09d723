import { Client } from 'pg';
import { rowsOf } from '../../database/indexes/statement-runner';
import { dropDays, makeDays } from './day-partitions';
import { recordObjects, recordServer } from './object-recording';
import { forgetStatements, recordStatements } from './statement-recording';

/** Processes that come at the same time: one takes the snapshot, the others leave it. */
export const HISTORY_LOCK = 4_711_072_005;
const CONNECT_MS = 5_000;
const STATEMENT_MS = 20_000;
/** Whoever waits longer for a lock keeps those waiting that come after it. */
const LOCK_MS = 500;

/** A snapshot that was taken, and what it is without. */
export interface Snapshot {
  readonly takenAt: Date;
  /** False where pg_stat_statements is not installed or not loaded. */
  readonly statements: boolean;
}

/**
 * Takes the snapshot of this minute as the owner, in one transaction, and keeps the partitions of `keptDays` days.
 * @returns undefined where another process does so, or has done
 */
export async function takeSnapshot(ownerUrl: string, keptDays: number): Promise<Snapshot | undefined> {
  const owner = new Client({
    connectionString: ownerUrl,
    application_name: 'gridtokenx history',
    connectionTimeoutMillis: CONNECT_MS,
    statement_timeout: STATEMENT_MS,
    lock_timeout: LOCK_MS,
  });
  owner.on('error', () => undefined); // the statement that it breaks tells
  await owner.connect();
  try {
    const [lock] = await rowsOf<{ mine: boolean }>(owner, 'SELECT pg_try_advisory_lock($1) AS mine', [
      HISTORY_LOCK,
    ]);
    if (lock?.mine !== true) return undefined;
    await makeDays(owner);
    const snapshot = (await minuteIsTaken(owner)) ? undefined : await record(owner);
    // Last: who has to wait for somebody who reads an old partition has the snapshot already.
    if ((await dropDays(owner, keptDays)) > 0) await forgetStatements(owner, keptDays);
    return snapshot;
  } finally {
    await owner.end(); // and the lock with it
  }
}

/** Takes a snapshot, whether or not the minute has one; the partitions of today are there. */
export async function record(owner: Client): Promise<Snapshot> {
  await owner.query('BEGIN');
  try {
    // Who loses the last minute in a crash of the server has lost nothing.
    await owner.query('SET LOCAL synchronous_commit = off');
    const [clock] = await rowsOf<{ now: Date }>(owner, 'SELECT now()::timestamptz(3) AS now');
    const takenAt = clock?.now ?? new Date();
    const statements = await recordStatements(owner, takenAt);
    await recordObjects(owner, takenAt);
    await recordServer(owner, takenAt);
    await owner.query('COMMIT');
    return { takenAt, statements };
  } catch (error) {
    await owner.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

async function minuteIsTaken(owner: Client): Promise<boolean> {
  const [row] = await rowsOf<{ taken: boolean }>(
    owner,
    `SELECT EXISTS (SELECT FROM server_snapshots WHERE taken_at >= date_trunc('minute', now())) AS taken`,
  );
  return row?.taken === true;
}
