import { ExplainedError } from '../explained-error';
import { dropping, reindexing, type Step } from './index-step';
import { withPartitions, type LiveIndex, type LiveTable } from './live-indexes';
import { nearestNames } from './nearest-names';

/** Nothing of that name can be rebuilt; the message says why. */
export class NotReindexed extends ExplainedError {}

/** What a REINDEX CONCURRENTLY that did not finish leaves behind. */
const LEFTOVER = /_cc(?:new|old)\d*$/;

/** What is to be rebuilt, and what cannot be without keeping others out. */
export interface ReindexPlan {
  readonly steps: Step[];
  /** Names of indexes of exclusion constraints. */
  readonly skipped: string[];
}

/** The steps that remove what broken rebuilds left behind. */
export function planLeftovers(tables: readonly LiveTable[]): Step[] {
  return tables
    .flatMap(withPartitions)
    .flatMap(({ indexes }) => indexes)
    .filter(({ name, valid, attachedTo }) => LEFTOVER.test(name) && !valid && attachedTo === undefined)
    .map(dropping);
}

/**
 * The steps to an index, or all indexes of a table or partition, being rebuilt while they serve; those of a
 * partitioned table on each partition.
 * @throws NotReindexed naming what comes near, when neither an index nor a table has that name
 */
export function planReindex(tables: readonly LiveTable[], name: string): ReindexPlan {
  const all = tables.flatMap(withPartitions);
  const chosen = chooseIndexes(all, name);
  if (chosen.length === 0)
    throw new NotReindexed(`${name} has no indexes that hold anything yet: there is nothing to rebuild`);
  const skipped = chosen.filter(({ exclusion }) => exclusion);
  const [only] = skipped;
  if (only !== undefined && skipped.length === chosen.length)
    throw new NotReindexed(
      `${only.name} belongs to an exclusion constraint, which PostgreSQL cannot rebuild without keeping writers out: run "REINDEX INDEX ${only.sql}" in a quiet hour`,
    );
  const oids = new Set(chosen.map(({ oid }) => oid));
  const around = all.filter(({ indexes }) => indexes.some(({ oid }) => oids.has(oid)));
  const steps = around.flatMap((table) =>
    table.indexes
      .filter(({ oid, exclusion }) => oids.has(oid) && !exclusion)
      .map((index) => reindexing(index, table)),
  );
  return {
    steps: [...leftoversOn(around), ...steps],
    skipped: skipped.map((index) => index.name),
  };
}

const leftoversOn = (tables: readonly LiveTable[]): Step[] =>
  planLeftovers(tables.map((table) => ({ ...table, partitions: [] })));

/** Those that hold something: of a partitioned one, its parts. */
function chooseIndexes(tables: readonly LiveTable[], name: string): LiveIndex[] {
  const indexes = tables.flatMap((table) => table.indexes);
  const index = indexes.find((candidate) => candidate.name === name);
  if (index !== undefined) return leaves(index);
  const table = tables.find((candidate) => candidate.name === name);
  if (table !== undefined) {
    const own = withPartitions(table).flatMap((part) => part.indexes);
    return own.filter((candidate) => !candidate.partitioned && !LEFTOVER.test(candidate.name));
  }
  const near = nearestNames(name, [
    ...tables,
    ...indexes.filter((candidate) => !LEFTOVER.test(candidate.name)),
  ]);
  throw new NotReindexed(`There is no index or table ${JSON.stringify(name.slice(0, 63))}: ${near}`);
}

const leaves = (index: LiveIndex): LiveIndex[] => (index.partitioned ? index.parts.flatMap(leaves) : [index]);
