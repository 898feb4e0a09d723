import { setTimeout as pause } from 'node:timers/promises';
import { ExplainedError } from '../explained-error';
import { sqlState } from '../query-events';
import { failureOf, IndexNotBuilt } from './index-failure';
import type { Step } from './index-step';
import { readLiveTables, withPartitions, type LiveIndex, type LiveTable } from './live-indexes';
import { runStep, type BuildOptions } from './run-step';
import { rowsOf, type StatementRunner } from './statement-runner';
import { SqlState } from '../sql-states';

/** Says what is left to do about an index of a table, from what the database has. */
export type Plan = (table: LiveTable) => Promise<Step[]> | Step[];

/** SQLSTATEs after which a look at the database may show another way: a deadlock, a partition that came or went. */
const LOOK_AGAIN = new Set<string>([
  SqlState.DEADLOCK_DETECTED,
  SqlState.UNDEFINED_TABLE,
  SqlState.UNDEFINED_OBJECT,
  SqlState.DUPLICATE_TABLE,
]);
/** How often one and the same plan may fail, or not bring about what it says. */
const ATTEMPTS = 3;
const POLL_MS = 200;

/**
 * Runs what a plan says, until it has nothing more to say: so it does not matter where an earlier run ended, or what
 * others did meanwhile.
 * @param onNothing what to run where the database knows no such table: it refuses, and whoever only writes statements
 * down, for a migration's checksum, gets what the work amounts to
 */
export async function carryOut(
  runner: StatementRunner,
  tableName: string,
  plan: Plan,
  options: BuildOptions,
  onNothing: readonly string[],
): Promise<void> {
  await withoutLimits(runner, async () => {
    let attempts = 0;
    let before = '';
    let failure: Failure | undefined;
    for (;;) {
      options.signal?.throwIfAborted();
      const table = await atRest(runner, tableName, options);
      if (table === undefined) return runOnNothing(runner, tableName, onNothing);
      const steps = await plan(table);
      if (steps.length === 0) return;
      const planned = steps.flatMap(({ statements }) => statements).join('\n');
      attempts = planned === before ? attempts + 1 : 1;
      before = planned;
      if (attempts > ATTEMPTS) throw await givenUp(runner, steps, failure);
      failure = await runAll(runner, steps, options);
    }
  });
}

/** Runs steps once, such as those of a REINDEX, of which the database does not show whether they are done. */
export async function runOnce(
  runner: StatementRunner,
  steps: readonly Step[],
  options: BuildOptions,
): Promise<void> {
  await withoutLimits(runner, async () => {
    const failure = await runAll(runner, steps, options);
    if (failure !== undefined) throw await givenUp(runner, steps, failure);
  });
}

interface Failure {
  readonly step: Step;
  readonly error: unknown;
}

/** @returns the failure after which a look at the database may show another way; others are thrown */
async function runAll(
  runner: StatementRunner,
  steps: readonly Step[],
  options: BuildOptions,
): Promise<Failure | undefined> {
  options.onProgress?.({ kind: 'planned', steps });
  for (const step of steps) {
    options.signal?.throwIfAborted();
    try {
      await runStep(runner, step, options);
    } catch (error) {
      if (LOOK_AGAIN.has(sqlState(error) ?? '')) return { step, error };
      throw error instanceof ExplainedError ? error : await failureOf(runner, step, error);
    }
  }
  return undefined;
}

async function runOnNothing(
  runner: StatementRunner,
  table: string,
  statements: readonly string[],
): Promise<void> {
  try {
    for (const statement of statements) await runner.query(statement);
  } catch (error) {
    if (sqlState(error) !== SqlState.UNDEFINED_TABLE) throw error;
    throw new IndexNotBuilt(`There is no table ${table} to build an index on: migrate the database first`, {
      cause: error,
    });
  }
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

async function givenUp(
  runner: StatementRunner,
  [first]: readonly Step[],
  failure: Failure | undefined,
): Promise<unknown> {
  if (failure !== undefined) return failureOf(runner, failure.step, failure.error);
  return new IndexNotBuilt(
    `${first?.index} on ${first?.table} does not become valid: drop it by hand, and start again`,
  );
}
