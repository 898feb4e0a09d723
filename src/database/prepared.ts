import { createHash } from 'node:crypto';
import type { QueryResult } from 'pg';
import { sqlState, type QueryEvents } from './query-events';

/** What can run a statement: a pool, or one client of it. */
export interface Queryable {
  query(statement: { name: string; text: string; values: unknown[] }): Promise<QueryResult>;
}

const names = new Map<string, string>();

/**
 * The name under which a connection keeps the plan of a statement. Statements are written out in the code,
 * values are always parameters, so that there are few of them.
 */
function nameOf(text: string): string {
  let name = names.get(text);
  if (name === undefined) {
    name = `s${createHash('sha1').update(text).digest('hex').slice(0, 20)}`;
    names.set(text, name);
  }
  return name;
}

/**
 * Runs a named prepared statement. TypeORM never names its statements, which costs a hot query its planning
 * each time.
 * @returns the rows; bigint columns are `bigint`, timestamps are `Date`
 */
export async function runPrepared<Row>(
  queryable: Queryable,
  events: QueryEvents,
  text: string,
  values: readonly unknown[],
): Promise<Row[]> {
  const started = performance.now();
  const elapsed = () => (performance.now() - started) / 1000;
  try {
    const result = await queryable.query({ name: nameOf(text), text, values: [...values] });
    events.publish({ text, seconds: elapsed() });
    return result.rows as Row[];
  } catch (error) {
    events.publish({ text, seconds: elapsed(), errorCode: sqlState(error) ?? 'unknown' });
    throw error;
  }
}
