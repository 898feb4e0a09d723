import { applyIndexes, reindex } from '../../database/indexes/apply-indexes';
import { measureBloat } from '../../database/indexes/bloat';
import { readLiveTables, withPartitions, type LiveTable } from '../../database/indexes/live-indexes';
import { planLeftovers, planReindex } from '../../database/indexes/reindex';
import type { StatementRunner } from '../../database/indexes/statement-runner';
import { databaseFailure, reasonOf } from '../../database/failures';
import type { OwnerSession } from '../../database/schema/owner-session';
import { BLOAT_BYTES, BLOAT_SHARE } from './maintenance-tasks';

/** What rebuilding an index gave back. */
export interface Rebuilt extends Record<string, unknown> {
  /** Those that were rebuilt: of a partitioned one its parts. */
  readonly indexes: readonly string[];
  readonly bytesBefore: number;
  readonly bytesAfter: number;
}

/** What became of the bloated ones. */
export interface RebuiltAll extends Record<string, unknown> {
  readonly measured: number;
  /** How bloat was found. */
  readonly method: string;
  readonly rebuilt: readonly { index: string; bytesBefore: number; bytesAfter: number }[];
  readonly failures: readonly string[];
}

/**
 * Rebuilds an index while it serves, and removes what a rebuild that broke has left on any table.
 * @throws NotReindexed IndexNotBuilt
 */
export async function rebuildIndex(
  session: OwnerSession,
  name: string,
  signal: AbortSignal,
): Promise<Rebuilt> {
  await removeLeftovers(session, signal);
  const { steps } = planReindex(await readLiveTables(session.runner), name);
  const indexes = steps.filter(({ action }) => action === 'reindex').map(({ index }) => index);
  const bytesBefore = await bytesOf(session.runner, indexes);
  await reindex(session, steps, { signal });
  return { indexes, bytesBefore, bytesAfter: await bytesOf(session.runner, indexes) };
}

/**
 * Measures every B-tree index and rebuilds those that hold too much of nothing, one after the other; of a partitioned one
 * the parts that do. One that fails does not keep the others from it.
 * @throws what `signal` says, and when the database went away
 */
export async function rebuildBloated(session: OwnerSession, signal: AbortSignal): Promise<RebuiltAll> {
  await removeLeftovers(session, signal);
  const tables = (await readLiveTables(session.runner)).filter(({ ours }) => ours);
  const { indexes, method } = await measureBloat(session.runner, leaves(tables));
  const rebuilt: { index: string; bytesBefore: number; bytesAfter: number }[] = [];
  const failures: string[] = [];
  for (const { index, bytes, bloatBytes = 0 } of indexes) {
    if (bloatBytes < BLOAT_BYTES || bloatBytes < BLOAT_SHARE * bytes) continue;
    signal.throwIfAborted();
    try {
      const { bytesBefore, bytesAfter } = await rebuildIndex(session, index, signal);
      rebuilt.push({ index, bytesBefore, bytesAfter });
    } catch (error) {
      signal.throwIfAborted();
      if (databaseFailure(error) === 'away') throw error;
      failures.push(`${index}: ${reasonOf(error)}`);
    }
  }
  return { measured: indexes.length, method, rebuilt, failures };
}

/** Waits for whoever builds just now: what is under way is no leftover. */
async function removeLeftovers(session: OwnerSession, signal: AbortSignal): Promise<void> {
  const tables = (await readLiveTables(session.runner)).filter(({ ours }) => ours);
  const leftovers = tables
    .map((table) => ({ table: table.name, steps: planLeftovers([table]) }))
    .filter(({ steps }) => steps.length > 0);
  await applyIndexes(session, { indexes: [], leftovers }, { signal });
}

const leaves = (tables: readonly LiveTable[]): LiveTable[] =>
  tables.flatMap(withPartitions).filter(({ partitioned }) => !partitioned);

async function bytesOf(runner: StatementRunner, names: readonly string[]): Promise<number> {
  return (await readLiveTables(runner))
    .flatMap(withPartitions)
    .flatMap(({ indexes }) => indexes)
    .filter(({ name, partitioned }) => !partitioned && names.includes(name))
    .reduce((sum, { bytes }) => sum + bytes, 0);
}
