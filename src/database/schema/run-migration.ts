import { MigrationExecutor, QueryFailedError, type QueryRunner } from 'typeorm';
import { DatabaseNotUsable } from '../explained-error';
import { sqlState } from '../query-events';
import type { KnownMigration } from './known-migrations';
import { LockHolders } from './lock-holders';
import { forget, remember } from './migration-history';
import type { OwnerSession } from './owner-session';
import { SqlState } from '../sql-states';

/** How long a migration may hold up those who queue behind it, and how often it tries. */
export interface LockPatience {
  readonly lockTimeoutMs: number;
  readonly attempts: number;
  /** Between attempts, so that those who queued behind it get through. */
  readonly pauseMs: number;
}

/** How patient to be, and who is told when that is needed. */
export interface RunOptions {
  readonly patience: LockPatience;
  readonly onWait: (sentence: string) => void;
}

export const LOCK_PATIENCE: LockPatience = { lockTimeoutMs: 5_000, attempts: 4, pauseMs: 1_000 };

/** SQLSTATEs lock_not_available and deadlock_detected: later the same may succeed. */
const TRY_AGAIN = new Set<string>([SqlState.LOCK_NOT_AVAILABLE, SqlState.DEADLOCK_DETECTED]);
/** Whoever opened the session explains these: rights, and databases that are read only. */
const EXPLAINED_ELSEWHERE = new Set<string>([
  SqlState.INSUFFICIENT_PRIVILEGE,
  SqlState.READ_ONLY_SQL_TRANSACTION,
]);
const SHOWN = 160;
/** How often to look who holds a lock within the time that a migration waits for it. */
const LOOKS = 5;

/** Applies one migration and writes it down. */
export async function applyMigration(
  session: OwnerSession,
  known: KnownMigration,
  options: RunOptions,
): Promise<void> {
  const executor = new MigrationExecutor(session.dataSource, session.runner);
  await run(session, known, options, async (runner) => {
    const started = performance.now();
    await executor.executeMigration(known.migration);
    await remember(runner, known, performance.now() - started);
  });
}

/** Takes one migration back, and forgets it. */
export async function undoMigration(
  session: OwnerSession,
  known: KnownMigration,
  options: RunOptions,
): Promise<void> {
  const executor = new MigrationExecutor(session.dataSource, session.runner);
  await run(session, known, options, async (runner) => {
    await known.migration.instance?.down(runner);
    await executor.deleteMigration(known.migration);
    await forget(runner, known);
  });
}

type Work = (runner: QueryRunner) => Promise<void>;

/**
 * In a transaction that waits for locks a short while only, for behind whoever waits for a lock everybody queues; a
 * migration outside transactions sees to that itself. Where a lock was not to be had, it is tried again.
 */
async function run(
  session: OwnerSession,
  known: KnownMigration,
  { patience, onWait }: RunOptions,
  work: Work,
): Promise<void> {
  const { runner, dataSource } = session;
  const pid = await backendOf(runner);
  for (let attempt = 1; ; attempt++) {
    const holders = new LockHolders(dataSource, pid, (names) => onWait(`${known.title} waits for ${names}`));
    holders.watch(patience.lockTimeoutMs / LOOKS);
    try {
      if (known.transactional) await inTransaction(runner, patience.lockTimeoutMs, work);
      else await work(runner);
      await holders.stop();
      return;
    } catch (error) {
      const names = await holders.stop();
      if (!TRY_AGAIN.has(sqlState(error) ?? '')) throw explained(error, known);
      if (attempt === patience.attempts) throw stillLocked(error, known, names, attempt);
    }
    await new Promise((resolve) => setTimeout(resolve, patience.pauseMs));
  }
}

async function inTransaction(runner: QueryRunner, lockTimeoutMs: number, work: Work): Promise<void> {
  await runner.startTransaction();
  try {
    await runner.query(`SELECT set_config('lock_timeout', $1, true)`, [`${lockTimeoutMs}ms`]);
    await work(runner);
    await runner.commitTransaction();
  } catch (error) {
    // On a broken connection there is nothing to roll back; the first error tells what happened.
    await runner.rollbackTransaction().catch(() => undefined);
    throw error;
  }
}

async function backendOf(runner: QueryRunner): Promise<number> {
  const rows = (await runner.query('SELECT pg_backend_pid() AS pid')) as { pid: number }[];
  return rows[0]?.pid ?? 0;
}

function stillLocked(
  error: unknown,
  known: KnownMigration,
  names: string,
  attempts: number,
): DatabaseNotUsable {
  return new DatabaseNotUsable(
    `Migration ${known.title} needs a lock that ${names} did not let go of in ${attempts} attempts: end that, or wait for it, and start again; ${outcomeOf(known)}`,
    { cause: error },
  );
}

/** What PostgreSQL refused, in one sentence, without the values it met. */
function explained(error: unknown, known: KnownMigration): unknown {
  if (!(error instanceof QueryFailedError) || EXPLAINED_ELSEWHERE.has(sqlState(error) ?? '')) return error;
  const statement = error.query.replace(/\s+/g, ' ').trim();
  const shown = statement.length > SHOWN ? `${statement.slice(0, SHOWN)}…` : statement;
  return new DatabaseNotUsable(
    `Migration ${known.title} failed: ${error.message} (SQLSTATE ${sqlState(error) ?? 'unknown'}) in "${shown}"; ${outcomeOf(known)}`,
    { cause: error },
  );
}

const outcomeOf = ({ transactional }: KnownMigration): string =>
  transactional
    ? 'nothing of this migration was done'
    : 'what it did so far stays, and it goes on from there when you start again';
