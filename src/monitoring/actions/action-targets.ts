import { readLiveTables, withPartitions, type LiveTable } from '../../database/indexes/live-indexes';
import { nearestNames } from '../../database/indexes/nearest-names';
import { NotReindexed, planReindex } from '../../database/indexes/reindex';
import type { StatementRunner } from '../../database/indexes/statement-runner';
import { IndexNotRebuildable, NotOurs, UnknownIndex, UnknownTable } from './actions.errors';

const everything = async (runner: StatementRunner): Promise<LiveTable[]> =>
  (await readLiveTables(runner)).flatMap(withPartitions);

/**
 * A table or partition of the current schema, as a statement takes it: the name of a request only picks one out of the
 * catalogue and never becomes part of SQL.
 * @throws UnknownTable NotOurs
 */
export async function tableNamed(runner: StatementRunner, name: string): Promise<LiveTable> {
  const tables = await everything(runner);
  const table = tables.find((candidate) => candidate.name === name);
  if (table === undefined) throw new UnknownTable(name, nearestNames(name, tables));
  // PostgreSQL would only warn, and do nothing.
  if (!table.ours) throw new NotOurs(table.name);
  return table;
}

/** @returns the name, once it is known to be one @throws UnknownTable NotOurs */
export async function findTable(runner: StatementRunner, name: string): Promise<string> {
  return (await tableNamed(runner, name)).name;
}

/**
 * An index on a table or partition of the current schema that can be rebuilt while it serves.
 * @returns its name
 * @throws UnknownIndex NotOurs IndexNotRebuildable
 */
export async function findIndex(runner: StatementRunner, name: string): Promise<string> {
  const tables = await everything(runner);
  const on = tables.find(({ indexes }) => indexes.some((index) => index.name === name));
  if (on === undefined) {
    const indexes = tables.flatMap((table) => table.indexes);
    throw new UnknownIndex(name, nearestNames(name, indexes));
  }
  if (!on.ours) throw new NotOurs(on.name);
  try {
    planReindex(
      tables.map((table) => ({ ...table, partitions: [] })),
      name,
    );
  } catch (error) {
    throw error instanceof NotReindexed ? new IndexNotRebuildable(error.message) : error;
  }
  return name;
}
