import { setTimeout as pause } from 'node:timers/promises';
import { sqlState } from '../query-events';
import { IndexNotBuilt } from './index-failure';
import type { Step } from './index-step';
import type { StatementRunner } from './statement-runner';
import { SqlState } from '../sql-states';

/** What happens while an index is built, for whoever watches. */
export type BuildEvent =
  | { readonly kind: 'planned'; readonly steps: readonly Step[] }
  | { readonly kind: 'begins' | 'ends'; readonly step: Step }
  | { readonly kind: 'waits'; readonly sentence: string };

export interface BuildOptions {
  readonly onProgress?: (event: BuildEvent) => void;
  /** Ends the work between two steps; a statement that runs is ended by cancelling it on the server. */
  readonly signal?: AbortSignal;
}

/** SQLSTATEs lock_not_available and deadlock_detected. */
const TRY_AGAIN = new Set<string>([SqlState.LOCK_NOT_AVAILABLE, SqlState.DEADLOCK_DETECTED]);
/** So long others may queue behind a lock that we wait for. */
const LOCK_TIMEOUT_MS = 1_000;
/** With the pauses between them about five minutes. */
const ATTEMPTS = 60;
const LONGEST_PAUSE_MS = 5_000;

/**
 * Runs one step in its manner.
 * @throws IndexNotBuilt when the lock of a short step is not to be had; errors of PostgreSQL as they come
 */
export async function runStep(runner: StatementRunner, step: Step, options: BuildOptions): Promise<void> {
  options.onProgress?.({ kind: 'begins', step });
  if (step.manner === 'briefly') await runBriefly(runner, step, options);
  else for (const statement of step.statements) await runner.query(statement);
  options.onProgress?.({ kind: 'ends', step });
}

async function runBriefly(runner: StatementRunner, step: Step, options: BuildOptions): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    options.signal?.throwIfAborted();
    try {
      return await runInTransaction(runner, step.statements);
    } catch (error) {
      if (!TRY_AGAIN.has(sqlState(error) ?? '')) throw error;
      if (attempt === ATTEMPTS) throw stillLocked(step, error);
      const sentence = `${step.index} waits for transactions on ${step.table} to end`;
      options.onProgress?.({ kind: 'waits', sentence });
      // Those who queued behind us go first.
      await pause(Math.min(attempt * 200, LONGEST_PAUSE_MS), undefined, signalOf(options));
    }
  }
}

async function runInTransaction(runner: StatementRunner, statements: readonly string[]): Promise<void> {
  await runner.query('BEGIN');
  try {
    await runner.query(`SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`);
    for (const statement of statements) await runner.query(statement);
    await runner.query('COMMIT');
  } catch (error) {
    // On a broken connection it fails too: the first error is the one that tells what happened.
    await runner.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

function stillLocked({ index, table }: Step, cause: unknown): IndexNotBuilt {
  return new IndexNotBuilt(
    `${index} cannot be finished, since for minutes some transaction kept ${table} locked: see the oldest xact_start in pg_stat_activity, end that session, and start again`,
    { cause },
  );
}

const signalOf = ({ signal }: BuildOptions): { signal?: AbortSignal } =>
  signal === undefined ? {} : { signal };
