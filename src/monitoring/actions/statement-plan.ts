import type { Client, QueryConfig } from 'pg';
import { sqlState } from '../../database/query-events';
import { InvalidInput } from '../../common/domain-error';
import { planNodes, type PlanNode } from '../reports/plan-node';
import { StatementNotExplained } from './actions.errors';

export interface Plan extends Readonly<Record<string, unknown>> {
  readonly Plan: PlanNode;
}

/** What may stand for `$1`; PostgreSQL says itself of what type it has to be. */
export type Parameter = string | number | boolean | null | readonly (string | number | boolean | null)[];

/** What changes rows, or keeps others from changing them. */
const WRITES = new Set(['ModifyTable', 'LockRows']);
/** SQLSTATEs: canceled by the timeout, a change in a read-only transaction, a missing right, a lock not to be had. */
const TIMEOUT = '57014';
const READ_ONLY = '25006';
const MISSING_RIGHT = '42501';
const LOCKED = '55P03';
/** Mistakes in a statement or in a value: PostgreSQL's sentence says which. */
const MISTAKE = /^(?:22|42|0A|26)/;

const PREPARED = 'recorded';

/** By the extended protocol, which takes one statement and no more. */
interface OneStatement extends QueryConfig {
  readonly queryMode: 'extended';
}

/**
 * How many parameters a statement has. PREPARE takes one statement that can be planned, and by the extended protocol the
 * text cannot be two.
 * @throws StatementNotExplained for what has no plan
 */
export async function prepare(client: Client, text: string): Promise<number> {
  const prepares: OneStatement = { text: `PREPARE ${PREPARED} AS ${text}`, queryMode: 'extended' };
  await explained(() => client.query(prepares));
  const { rows } = await client.query<{ parameters: number }>(
    'SELECT cardinality(parameter_types) AS parameters FROM pg_prepared_statements WHERE name = $1',
    [PREPARED],
  );
  return rows[0]?.parameters ?? 0;
}

/** Of a pooler the session may serve others afterwards. */
export async function forget(client: Client): Promise<void> {
  await client.query(`DEALLOCATE ${PREPARED}`);
}

/** The plan for any values, of what was prepared: the one that all sessions of the application share. */
export async function genericPlan(client: Client, parameters: number): Promise<Plan> {
  await client.query('SET LOCAL plan_cache_mode = force_generic_plan');
  const nulls = parameters === 0 ? '' : `(${Array.from({ length: parameters }, () => 'NULL').join(', ')})`;
  return explain(client, `EXPLAIN (FORMAT JSON) EXECUTE ${PREPARED}${nulls}`, []);
}

/** The plan for these values. */
export function planFor(client: Client, text: string, values: readonly Parameter[]): Promise<Plan> {
  return explain(client, `EXPLAIN (FORMAT JSON) ${text}`, values);
}

/**
 * Runs a statement and says what each node of its plan really took. The caller's transaction is read-only and rolled back.
 * @throws StatementNotExplained for what does not only read
 */
export async function analyzedPlan(
  client: Client,
  text: string,
  values: readonly Parameter[],
): Promise<Plan> {
  const { Plan: root } = await planFor(client, text, values);
  const writer = planNodes(root).find((node) => WRITES.has(node['Node Type']));
  if (writer !== undefined)
    throw new StatementNotExplained(
      `Only a SELECT that neither changes nor locks rows is run to be analysed, and the plan of this one has ${writer['Node Type']}: leave analyze out for its plan`,
      'not a SELECT',
    );
  return explain(client, `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${text}`, values);
}

/** @throws InvalidInput unless there is a value for every parameter */
export function checkParameters(needed: number, given: readonly Parameter[]): void {
  if (given.length === needed) return;
  throw new InvalidInput([
    {
      field: 'parameters',
      detail: `the statement has ${needed} ${needed === 1 ? 'parameter' : 'parameters'}, and ${given.length} ${given.length === 1 ? 'was' : 'were'} given: give one for each of $1, $2 …`,
    },
  ]);
}

async function explain(client: Client, text: string, values: readonly Parameter[]): Promise<Plan> {
  const explains: OneStatement = { text, values: [...values], queryMode: 'extended' };
  const { rows } = await explained(() => client.query<{ 'QUERY PLAN': [Plan] }>(explains));
  const [row] = rows;
  if (row === undefined) throw new Error('EXPLAIN answered no row');
  return row['QUERY PLAN'][0];
}

/** Says what PostgreSQL refuses. */
async function explained<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    const state = sqlState(error) ?? '';
    const sentence = sentenceFor(state, error);
    throw sentence === undefined ? error : new StatementNotExplained(sentence, `SQLSTATE ${state}`);
  }
}

function sentenceFor(state: string, error: unknown): string | undefined {
  const { message } = error as Error;
  if (state === TIMEOUT)
    return 'The statement took longer than it may here: leave analyze out, or run it from psql, which nothing cuts off';
  if (state === READ_ONLY)
    return `Only what changes nothing is run to be analysed, and PostgreSQL says: ${message}`;
  if (state === MISSING_RIGHT)
    return `It is run as the role of the application, which may not do that (${message}): leave analyze out for its plan`;
  if (state === LOCKED)
    return 'Somebody keeps everyone else out of a table of it: the report locks shows who';
  return MISTAKE.test(state)
    ? `PostgreSQL cannot plan it as it was recorded, or not with these values: ${message}`
    : undefined;
}
