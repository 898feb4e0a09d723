import { createHash } from 'node:crypto';
import type { Pool, QueryResult } from 'pg';
import { databaseFailure, isRefusal } from './failures';
import { sqlState, type StatementEvents } from './query-events';

/** What can run a statement: one client of a pool. */
export interface Queryable {
  query(statement: { name: string; text: string; values: unknown[] }): Promise<QueryResult>;
}

const names = new Map<string, string>();
/** How often the plans of a statement were given up. */
const renamed = new Map<string, number>();

/**
 * The name under which a connection keeps the plan of a statement. Statements are written out in the code,
 * values are always parameters, so that there are few of them.
 */
function nameOf(text: string): string {
  let name = names.get(text);
  if (name === undefined) {
    name = `s${createHash('sha1').update(text).digest('hex').slice(0, 20)}`;
    const times = renamed.get(text);
    if (times !== undefined) name += `_${times}`;
    names.set(text, name);
  }
  return name;
}

/**
 * Whether a connection kept a statement from before a migration that changed the types of its columns. It would go on
 * failing for as long as the connection lives.
 */
export function isStalePlan(error: unknown): boolean {
  const routine = (error as { routine?: unknown } | null)?.routine;
  return sqlState(error) === '0A000' && routine === 'RevalidateCachedQuery';
}

/** From now on every connection prepares the statement anew, under another name. */
function giveUpPlans(text: string, failedName: string): void {
  if (names.get(text) !== failedName) return; // another connection's failure did it already
  names.delete(text);
  renamed.set(text, (renamed.get(text) ?? 0) + 1);
}

/**
 * Runs a named prepared statement. TypeORM never names its statements, which costs a hot query its planning
 * each time. After a failure for which `isStalePlan` holds it may be tried again.
 * @returns the rows; bigint columns are `bigint`, timestamps are `Date`
 */
export async function runPrepared<Row>(
  queryable: Queryable,
  events: StatementEvents,
  text: string,
  values: readonly unknown[],
): Promise<Row[]> {
  const name = nameOf(text);
  const started = performance.now();
  const elapsed = () => (performance.now() - started) / 1000;
  try {
    const result = await queryable.query({ name, text, values: [...values] });
    events.publish({ text, seconds: elapsed(), rows: result.rowCount ?? undefined, prepared: true });
    return result.rows as Row[];
  } catch (error) {
    events.publish({ text, seconds: elapsed(), errorCode: sqlState(error) ?? 'unknown', prepared: true });
    if (isStalePlan(error)) giveUpPlans(text, name);
    throw error;
  }
}

/** Waits for a connection and tells how long that took, also where there is none in the end. */
export async function acquire<Client>(
  events: StatementEvents,
  connect: () => Promise<Client>,
): Promise<Client> {
  const asked = performance.now();
  const elapsed = () => (performance.now() - asked) / 1000;
  try {
    const client = await connect();
    events.acquired(elapsed());
    return client;
  } catch (error) {
    events.acquired(elapsed(), whyThereIsNone(error));
    throw error;
  }
}

/** The pool's own failures have no code. */
function whyThereIsNone(error: unknown): string {
  const code = sqlState(error);
  if (code !== undefined) return code;
  return databaseFailure(error) === 'busy' ? 'pool_exhausted' : 'unknown';
}

/**
 * Runs a prepared statement on any connection of a pool, outside a transaction. The time it waits for the connection is
 * not the statement's.
 */
export async function runPooled<Row>(
  pool: Pool,
  events: StatementEvents,
  text: string,
  values: readonly unknown[],
): Promise<Row[]> {
  const client = await acquire(events, () => pool.connect());
  // A connection that breaks fails its statement, which tells; without a listener the same news would end the process.
  client.on('error', ignore);
  let broken = false;
  try {
    return await runPrepared<Row>(client, events, text, values);
  } catch (error) {
    broken = !isRefusal(error); // not PostgreSQL's own answer: who knows what the connection still waits for
    throw error;
  } finally {
    client.removeListener('error', ignore);
    client.release(broken);
  }
}

const ignore = (): void => undefined;
