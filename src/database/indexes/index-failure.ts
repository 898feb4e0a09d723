import { ExplainedError } from '../explained-error';
import { sqlState } from '../query-events';
import type { Step } from './index-step';
import { rowsOf, type StatementRunner } from './statement-runner';
import { SqlState } from '../sql-states';

/** An index could not be built, replaced or dropped; the message says why and what to do. */
export class IndexNotBuilt extends ExplainedError {}

/** Others explain them: a missing right, a database that takes no changes. */
const EXPLAINED_ELSEWHERE = new Set<string>([
  SqlState.INSUFFICIENT_PRIVILEGE,
  SqlState.READ_ONLY_SQL_TRANSACTION,
]);
/** SQLSTATEs of operator intervention: somebody cancelled the statement, or the server goes down. */
const INTERVENTION = /^57/;
/** SQLSTATEs that tell of the server's refusal, not of a lost connection. */
const FROM_THE_SERVER = /^[0-9A-Z]{5}$/;
const CONNECTION_LOST = /^08/;

interface Unfinished {
  readonly sql: string;
  readonly keys: readonly string[];
  readonly predicate: string | null;
}

/** What a build that failed left behind under a name. */
const UNFINISHED = `
  SELECT c.oid::regclass::text AS sql, pg_get_expr(i.indpred, i.indrelid, true) AS predicate,
         ARRAY(SELECT pg_get_indexdef(c.oid, place, true) FROM generate_series(1, i.indnkeyatts) AS place) AS keys
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
   WHERE c.relname = $1 AND c.relnamespace = current_schema()::regnamespace AND c.relkind = 'i' AND NOT i.indisvalid`;

/**
 * What is to be thrown for a step that failed. Removes what a failed build left, since an invalid index costs every
 * write and serves nobody; not after a cancellation, where whoever waits wants to be off: the next build does it.
 */
export async function failureOf(runner: StatementRunner, step: Step, error: unknown): Promise<unknown> {
  const state = sqlState(error) ?? '';
  if (!FROM_THE_SERVER.test(state) || CONNECTION_LOST.test(state)) return error;
  if (EXPLAINED_ELSEWHERE.has(state) || INTERVENTION.test(state)) return error;
  const reason = (error as Error).message;
  const sentence = `${step.index} on ${step.table} cannot be finished: ${reason}`;
  if (step.action !== 'create') return new IndexNotBuilt(sentence, { cause: error });
  const [left] = await rowsOf<Unfinished>(runner, UNFINISHED, [step.index]);
  if (left !== undefined) await runner.query(`DROP INDEX CONCURRENTLY ${left.sql}`);
  const repeated = state === SqlState.UNIQUE_VIOLATION && left !== undefined;
  return new IndexNotBuilt(repeated ? repetition(step, left) : sentence, { cause: error });
}

function repetition({ index, table }: Step, { keys, predicate }: Unfinished): string {
  const among = predicate === null ? '' : ` WHERE ${predicate}`;
  const list = keys.join(', ');
  return (
    `The unique index ${index} cannot be built, since rows of ${table} are alike in ${list}: find them by ` +
    `"SELECT ${list}, count(*) FROM ${table}${among} GROUP BY ${list} HAVING count(*) > 1", ` +
    'make them differ, and start again'
  );
}
