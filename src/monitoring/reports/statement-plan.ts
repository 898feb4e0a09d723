import { rowsOf, type StatementRunner } from '../../database/indexes/statement-runner';
import { sqlState } from '../../database/query-events';
import { withoutValues } from '../../database/statement-fingerprint';
import type { PlanNode } from './plan-node';
import type { ReportSource } from './report-source';
import { SqlState } from '../../database/sql-states';

/** The plan for any values, or a sentence why there is none. */
export type StatementPlan = { readonly plan: PlanNode } | { readonly why: string };

/** What EXPLAIN (FORMAT JSON) answers: the plan, and beside it what planning and running it took. */
export interface Explained extends Readonly<Record<string, unknown>> {
  readonly Plan: PlanNode;
}

/** Under which a session keeps a statement that was recorded, for as long as it is looked at. */
const PREPARED = 'recorded';
/** To plan takes milliseconds; joins of many tables longer. */
const PLANNING_MS = 3_000;
/** Longer ones are generated, such as loads of many rows. */
const MOST_CHARACTERS = 50_000;
const PLANNED = /^(?:SELECT|INSERT|UPDATE|DELETE|WITH)\b/i;
/** A constant that says its type: `interval '1 day'` was recorded as `interval $1`, which is no SQL. */
const TYPED_CONSTANT = /\b(interval|timestamptz|timestamp|date|time)\s+(\$\d+)/gi;

/** Why PostgreSQL makes no plan, by the SQLSTATE: its own words may repeat values. */
const REFUSALS: Readonly<Record<string, string>> = {
  [SqlState.SYNTAX_ERROR]:
    'its form without values is no statement: a value stood where SQL takes no parameter',
  [SqlState.UNDEFINED_TABLE]: 'a table that it reads is gone',
  [SqlState.UNDEFINED_COLUMN]: 'a column that it reads is gone',
  [SqlState.UNDEFINED_FUNCTION]:
    'a function or operator that it needs is gone, or is not known for values of any type',
  [SqlState.INDETERMINATE_DATATYPE]: 'PostgreSQL cannot tell the type of a value that was left out',
  [SqlState.DATATYPE_MISMATCH]: 'PostgreSQL cannot tell the type of a value that was left out',
  [SqlState.INSUFFICIENT_PRIVILEGE]: 'the owner of the database may not read what it reads',
  [SqlState.LOCK_NOT_AVAILABLE]: 'somebody keeps everyone else out of a table that it reads',
  [SqlState.QUERY_CANCELED]: `planning it took longer than ${PLANNING_MS / 1_000} s`,
};

/**
 * The text of a statement that pg_stat_statements has recorded in this database, with parameters where values were.
 * @param schema that of the extension, quoted
 * @returns undefined where it has none
 */
export async function recordedText(
  source: ReportSource,
  schema: string,
  queryId: string,
): Promise<string | undefined> {
  const [row] = await source.query<{ text: string }>(
    `SELECT left(s.query, $2) AS text FROM ${schema}.pg_stat_statements s
      WHERE s.queryid = $1::bigint
        AND s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) LIMIT 1`,
    [queryId, MOST_CHARACTERS + 1],
  );
  return row?.text;
}

/** The text of a recorded statement as PostgreSQL takes it again. */
export const preparable = (text: string): string => text.replace(TYPED_CONSTANT, '($2::$1)');

/**
 * Plans a recorded statement for any values, in a read-only transaction that is rolled back; it is never run. The text goes to
 * PostgreSQL as it is: never give one that comes from a request.
 * @param session a new one of the owner; hypothetical indexes of it count
 */
export async function planOf(session: StatementRunner, text: string): Promise<StatementPlan> {
  if (!PLANNED.test(withoutValues(text))) return { why: 'it is no SELECT, INSERT, UPDATE or DELETE' };
  if (text.length > MOST_CHARACTERS) return { why: 'its text is too long' };
  await session.query('BEGIN READ ONLY');
  try {
    await session.query(`SET LOCAL statement_timeout = ${PLANNING_MS}`);
    const { Plan: plan } = await genericPlan(session, await prepare(session, preparable(text)));
    return { plan };
  } catch (error) {
    const code = sqlState(error);
    if (code === undefined) throw error;
    return { why: REFUSALS[code] ?? `PostgreSQL refuses to plan it (SQLSTATE ${code})` };
  } finally {
    await session.query('ROLLBACK');
    await session.query('DEALLOCATE ALL');
  }
}

/**
 * Prepares a statement: PREPARE takes one that can be planned, and by the extended protocol the text cannot be two.
 * @param session that of `runnerOf`
 * @returns how many parameters it has
 */
export async function prepare(session: StatementRunner, text: string): Promise<number> {
  await session.query(`PREPARE ${PREPARED} AS ${text}`, []);
  const [prepared] = await rowsOf<{ parameters: number }>(
    session,
    'SELECT cardinality(parameter_types) AS parameters FROM pg_prepared_statements WHERE name = $1',
    [PREPARED],
  );
  return prepared?.parameters ?? 0;
}

/** Of a pooler the session may serve others afterwards. */
export async function forget(session: StatementRunner): Promise<void> {
  await session.query(`DEALLOCATE ${PREPARED}`);
}

/**
 * The plan for any values of what was prepared, in the transaction that is open: the one that all sessions of the application
 * share. EXPLAIN (GENERIC_PLAN), which came with PostgreSQL 16, says the same, but takes its text by the simple protocol only.
 *
 * All partitions are in it: EXECUTE looks for those that its values need before it begins, no partition holds what is equal to
 * NULL, and of a partitioned table nothing would be left to see. Constants that would rule out some are parameters here too.
 */
export async function genericPlan(session: StatementRunner, parameters: number): Promise<Explained> {
  await session.query(
    'SET LOCAL plan_cache_mode = force_generic_plan; SET LOCAL enable_partition_pruning = off',
  );
  const nulls = Array.from({ length: parameters }, () => 'NULL').join(', ');
  return explain(session, `EXECUTE ${PREPARED}${nulls === '' ? '' : `(${nulls})`}`);
}

/** @param options of EXPLAIN beside those that the plan is read by: `ANALYZE` runs the statement */
export async function explain(
  session: StatementRunner,
  text: string,
  values: readonly unknown[] = [],
  options: readonly ('ANALYZE' | 'BUFFERS')[] = [],
): Promise<Explained> {
  const how = [...options, 'VERBOSE', 'FORMAT JSON'].join(', ');
  const [row] = await rowsOf<{ 'QUERY PLAN': readonly [Explained] }>(
    session,
    `EXPLAIN (${how}) ${text}`,
    values,
  );
  if (row === undefined) throw new Error('EXPLAIN gave no plan');
  return row['QUERY PLAN'][0];
}
