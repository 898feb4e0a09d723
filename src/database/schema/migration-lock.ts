import type { QueryRunner } from 'typeorm';
import { DatabaseNotUsable } from '../explained-error';
import type { OwnerSession } from './owner-session';

/** "gridtokenx" as a number: every process that migrates asks for the same lock. */
const MIGRATION_LOCK = 4_711_072_001;
const POLL_MS = 50;

/** After so long somebody might wonder. */
const SILENT_MS = 2_000;

/** How long to wait for another process that migrates. */
const PATIENCE_MS = 120_000;

interface LockOptions {
  readonly patienceMs?: number | undefined;
  readonly onWait?: ((sentence: string) => void) | undefined;
}

/**
 * Runs work while no other process migrates this database. Polls for the lock: a session that waits inside
 * pg_advisory_lock would deadlock with CREATE INDEX CONCURRENTLY.
 * @throws DatabaseNotUsable when another process does not finish in time
 */
export async function withMigrationLock<Result>(
  { runner }: OwnerSession,
  work: () => Promise<Result>,
  { patienceMs = PATIENCE_MS, onWait }: LockOptions = {},
): Promise<Result> {
  const began = Date.now();
  let told = false;
  while (!(await tryLock(runner))) {
    const waited = Date.now() - began;
    if (waited > SILENT_MS && !told)
      onWait?.('Another process migrates this database or builds its indexes: waiting for it');
    told ||= waited > SILENT_MS;
    if (waited > patienceMs) throw await stillMigrating(runner, patienceMs);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  try {
    return await work();
  } finally {
    // A broken session has let go of it already.
    await runner.query('SELECT pg_advisory_unlock($1)', [MIGRATION_LOCK]).catch(() => undefined);
  }
}

async function tryLock(runner: QueryRunner): Promise<boolean> {
  const rows = (await runner.query('SELECT pg_try_advisory_lock($1) AS locked', [MIGRATION_LOCK])) as {
    locked: boolean;
  }[];
  return rows[0]?.locked === true;
}

async function stillMigrating(runner: QueryRunner, patienceMs: number): Promise<DatabaseNotUsable> {
  const rows = (await runner.query(
    `SELECT pid FROM pg_locks
      WHERE locktype = 'advisory' AND granted AND objsubid = 1
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND (classid::bigint << 32) + objid::bigint = $1`,
    [MIGRATION_LOCK],
  )) as { pid: number }[];
  const session = rows[0] === undefined ? '' : ` (session ${rows[0].pid} in pg_stat_activity)`;
  return new DatabaseNotUsable(
    `Another process has been migrating this database or building its indexes for ${Math.round(patienceMs / 1000)} s${session}: wait until it has finished, then start again`,
  );
}
