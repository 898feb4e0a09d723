import { canonicalForms } from './canonical-form';
import { carryOut, type Plan } from './carry-out';
import { IndexNotBuilt } from './index-failure';
import { assertPlainName, replacedName, replacementName, type IndexInSql } from './index-in-sql';
import { createStatement, planBuild, planDrop, planReplacement } from './index-plan';
import type { LiveTable } from './live-indexes';
import type { BuildOptions } from './run-step';
import type { StatementRunner } from './statement-runner';

/**
 * Builds an index on a living table: nobody who reads or writes it is kept out for longer than a moment. On a
 * partitioned table each partition's is built on its own and attached; one that is made meanwhile brings its own. May
 * be stopped anywhere and run again: what a broken build left is found, and what is finished stays.
 *
 * Runs statements of its own transactions: a migration that uses it says `transaction = false`.
 * @param runner one connection, not a pool
 * @throws OtherForm when an index of that name serves already in another form: see {@link replaceIndex}
 * @throws IndexNotBuilt with a sentence, as for rows that a unique index cannot hold
 */
export async function buildIndex(
  runner: StatementRunner,
  index: IndexInSql,
  options: BuildOptions = {},
): Promise<void> {
  check(index);
  const plan: Plan = async (table) => planBuild(index, await formOf(runner, index, table), table);
  await carryOut(runner, index.table, plan, options, [createStatement(index, { how: 'CONCURRENTLY' })]);
}

/**
 * Gives an index of a living table another form, or builds it where there is none: the new one is built beside the old
 * one, which serves until both exchange their names. Otherwise like {@link buildIndex}.
 */
export async function replaceIndex(
  runner: StatementRunner,
  index: IndexInSql,
  options: BuildOptions = {},
): Promise<void> {
  check(index);
  const plan: Plan = async (table) => planReplacement(index, await formOf(runner, index, table), table);
  const spare = replacementName(index.name);
  await carryOut(runner, index.table, plan, options, [
    createStatement({ ...index, name: spare }, { how: 'CONCURRENTLY' }),
    `DROP INDEX CONCURRENTLY IF EXISTS ${index.name}`,
    `ALTER INDEX ${spare} RENAME TO ${index.name}`,
  ]);
}

/**
 * Drops an index of a living table, with what a broken replacement left of it; nothing to do where there is none. One
 * of a partitioned table needs a lock that keeps others out for a moment, and tries until it is to be had.
 */
export async function dropIndex(
  runner: StatementRunner,
  index: Pick<IndexInSql, 'name' | 'table'>,
  options: BuildOptions = {},
): Promise<void> {
  check(index);
  const names = [index.name, replacementName(index.name), replacedName(index.name)];
  const plan: Plan = (table) => names.flatMap((name) => planDrop(name, table));
  await carryOut(runner, index.table, plan, options, [`DROP INDEX CONCURRENTLY IF EXISTS ${index.name}`]);
}

/** How PostgreSQL writes the index; not asked where there is nothing to compare it with. */
async function formOf(runner: StatementRunner, index: IndexInSql, table: LiveTable): Promise<string> {
  const names = [index.name, replacementName(index.name)];
  const isNew = table.partitions.length === 0 && !table.indexes.some(({ name }) => names.includes(name));
  if (isNew) return '';
  const canonical = (await canonicalForms(runner, [index])).get(index.name);
  if (canonical !== undefined && 'form' in canonical) return canonical.form;
  throw new IndexNotBuilt(
    `${index.name} cannot be built on ${index.table}: ${canonical?.impossible ?? 'it has no form'}`,
  );
}

function check({ name, table }: Pick<IndexInSql, 'name' | 'table'>): void {
  assertPlainName(name);
  assertPlainName(table);
}
