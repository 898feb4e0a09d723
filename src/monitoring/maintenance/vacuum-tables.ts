import { readLiveTables, type LiveTable } from '../../database/indexes/live-indexes';
import type { StatementRunner } from '../../database/indexes/statement-runner';
import { databaseFailure, reasonOf } from '../../database/failures';

/** What became of the tables. */
export interface Vacuumed extends Record<string, unknown> {
  readonly tables: number;
  /** Sentences about tables that were not vacuumed. */
  readonly failures: readonly string[];
}

/**
 * Vacuums and analyses every table of the current schema, one after the other; a partitioned one with its partitions. One
 * that fails does not keep the others from it.
 * @throws what `signal` says, and when the database went away
 */
export async function vacuumTables(runner: StatementRunner, signal: AbortSignal): Promise<Vacuumed> {
  const failures: string[] = [];
  let vacuumed = 0;
  for (const table of await readLiveTables(runner)) {
    signal.throwIfAborted();
    const failure = await vacuum(runner, table, signal);
    if (failure === undefined) vacuumed++;
    else failures.push(`${table.name}: ${failure}`);
  }
  return { tables: vacuumed, failures };
}

async function vacuum(
  runner: StatementRunner,
  { sql, ours }: LiveTable,
  signal: AbortSignal,
): Promise<string | undefined> {
  // PostgreSQL would only warn, and do nothing.
  if (!ours) return 'it belongs to another role';
  try {
    await runner.query(`VACUUM (ANALYZE) ${sql}`);
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    if (databaseFailure(error) === 'away') throw error;
    return reasonOf(error);
  }
}
