import { setTimeout as pause } from 'node:timers/promises';
import { ExplainedError } from '../explained-error';
import { sqlState } from '../query-events';
import { canonicalForms } from './canonical-form';
import { failureOf, IndexNotBuilt } from './index-failure';
import { assertPlainName, replacedName, replacementName, type IndexInSql } from './index-in-sql';
import { createStatement, planBuild, planDrop, planReplacement } from './index-plan';
import type { Step } from './index-step';
import { readLiveTables, withPartitions, type LiveIndex, type LiveTable } from './live-indexes';
import { runStep, type BuildOptions } from './run-step';
import { rowsOf, type StatementRunner } from './statement-runner';

/** SQLSTATEs after which a look at the database may show another way: a deadlock, a partition that has gone. */
const LOOK_AGAIN = new Set(['40P01', '42P01', '42704', '42P07']);
const UNDEFINED_TABLE = '42P01';
const ATTEMPTS = 3;
const POLL_MS = 200;

type Plan = (table: LiveTable) => Promise<Step[]> | Step[];

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

/**
 * Runs what a plan says until it has nothing more to say.
 * @param onNothing what to run where the database knows no such table: it refuses, and whoever only writes statements
 * down (a migration's checksum) gets what the work amounts to
 */
export async function carryOut(
  runner: StatementRunner,
  tableName: string,
  plan: Plan,
  options: BuildOptions,
  onNothing: readonly string[] = [],
): Promise<void> {
  await withoutLimits(runner, async () => {
    let attempts = 0;
    let before = '';
    let failure: Error | undefined;
    for (;;) {
      options.signal?.throwIfAborted();
      const table = await atRest(runner, tableName, options);
      if (table === undefined) return runOnNothing(runner, tableName, onNothing);
      const steps = await plan(table);
      if (steps.length === 0) return;
      const planned = steps.flatMap(({ statements }) => statements).join('\n');
      attempts = planned === before ? attempts + 1 : 1;
      before = planned;
      if (attempts > ATTEMPTS) throw failure ?? stuck(steps);
      failure = await runSteps(runner, steps, options);
    }
  });
}

async function runOnNothing(
  runner: StatementRunner,
  table: string,
  statements: readonly string[],
): Promise<void> {
  try {
    for (const statement of statements) await runner.query(statement);
  } catch (error) {
    if (sqlState(error) !== UNDEFINED_TABLE) throw error;
    throw new IndexNotBuilt(`There is no table ${table} to build an index on: migrate the database first`, {
      cause: error,
    });
  }
}

/** @returns the error after which a look at the database may show another way; others are thrown */
async function runSteps(
  runner: StatementRunner,
  steps: readonly Step[],
  options: BuildOptions,
): Promise<Error | undefined> {
  options.onProgress?.({ kind: 'planned', steps });
  for (const step of steps) {
    options.signal?.throwIfAborted();
    try {
      await runStep(runner, step, options);
    } catch (error) {
      if (LOOK_AGAIN.has(sqlState(error) ?? '')) return error as Error;
      throw error instanceof ExplainedError ? error : await failureOf(runner, step, error);
    }
  }
  return undefined;
}

/** The table as soon as nobody else builds an index on it: one that is being built is no leftover. */
async function atRest(
  runner: StatementRunner,
  name: string,
  { signal, onProgress }: BuildOptions,
): Promise<LiveTable | undefined> {
  for (;;) {
    const [table] = await readLiveTables(runner, [name]);
    const building = table === undefined ? undefined : underWay(table);
    if (building === undefined) return table;
    const sentence = `${building.name} is being built by session ${building.builtBy}`;
    onProgress?.({ kind: 'waits', sentence });
    await pause(POLL_MS, undefined, signal === undefined ? {} : { signal });
  }
}

const underWay = (table: LiveTable): LiveIndex | undefined =>
  withPartitions(table)
    .flatMap(({ indexes }) => indexes)
    .find(({ builtBy }) => builtBy !== undefined);

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

interface Session {
  readonly alone: boolean;
  readonly lock_timeout: string;
  readonly statement_timeout: string;
}

const SESSION = `
  SELECT pg_backend_pid() AS pid, now() = statement_timestamp() AS alone,
         current_setting('lock_timeout') AS lock_timeout, current_setting('statement_timeout') AS statement_timeout`;

/** A build takes as long as it takes, and cannot run inside a transaction: there, time has gone on since its start. */
async function withoutLimits(runner: StatementRunner, work: () => Promise<void>): Promise<void> {
  const [session] = await rowsOf<Session>(runner, SESSION);
  if (session?.alone === false)
    throw new IndexNotBuilt(
      'An index of a living table is built outside transactions: let the migration say "transaction = false"',
    );
  const limits = ['lock_timeout', 'statement_timeout'] as const;
  const set = limits.filter((limit) => session !== undefined && session[limit] !== '0');
  for (const limit of set) await runner.query(`SET ${limit} = 0`);
  try {
    await work();
  } finally {
    for (const limit of set)
      await rowsOf(runner, 'SELECT set_config($1, $2, false)', [limit, session?.[limit]]).catch(
        () => undefined,
      );
  }
}

function check({ name, table }: Pick<IndexInSql, 'name' | 'table'>): void {
  assertPlainName(name);
  assertPlainName(table);
}

function stuck([step]: readonly Step[]): IndexNotBuilt {
  return new IndexNotBuilt(
    `${step?.index} on ${step?.table} does not become valid: drop it by hand, and start again`,
  );
}
