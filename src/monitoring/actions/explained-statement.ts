import { InvalidInput } from '../../common/domain-error';
import type { StatementRunner } from '../../database/indexes/statement-runner';
import { sqlState } from '../../database/query-events';
import { planNodes } from '../reports/plan-node';
import { explain, forget, genericPlan, prepare, type Explained } from '../reports/statement-plan';
import { StatementNotExplained } from './actions.errors';
import { SqlState } from '../../database/sql-states';

/** What may stand for `$1`; PostgreSQL says itself of what type it has to be. */
export type Parameter = string | number | boolean | null | readonly (string | number | boolean | null)[];

/** What changes rows, or keeps others from changing them. */
const WRITES = new Set(['ModifyTable', 'LockRows']);
/** Mistakes in a statement or in a value: PostgreSQL's sentence says which. */
const MISTAKE = /^(?:22|42|0A|26)/;

/**
 * The plan of a recorded statement for any values.
 * @param session read-only and rolled back
 * @throws StatementNotExplained for what has no plan
 */
export const planForAny = (session: StatementRunner, text: string): Promise<Explained> =>
  explained(async () => genericPlan(session, await prepare(session, text)));

/**
 * The plan for these values.
 * @throws StatementNotExplained for what has no plan
 * @throws InvalidInput unless there is a value for every parameter
 */
export async function planFor(
  session: StatementRunner,
  text: string,
  values: readonly Parameter[],
): Promise<Explained> {
  const needed = await explained(() => prepare(session, text));
  await forget(session);
  checkParameters(needed, values);
  return explained(() => explain(session, text, values));
}

/**
 * Runs a statement and says what each node of its plan really took.
 * @throws StatementNotExplained for what does not only read
 * @throws InvalidInput unless there is a value for every parameter
 */
export async function analyzedPlan(
  session: StatementRunner,
  text: string,
  values: readonly Parameter[],
): Promise<Explained> {
  const { Plan: root } = await planFor(session, text, values);
  const writer = planNodes(root).find((node) => WRITES.has(node['Node Type']));
  if (writer !== undefined)
    throw new StatementNotExplained(
      `Only a SELECT that neither changes nor locks rows is run to be analysed, and the plan of this one has ${writer['Node Type']}: leave analyze out for its plan`,
      'not a SELECT',
    );
  return explained(() => explain(session, text, values, ['ANALYZE', 'BUFFERS']));
}

function checkParameters(needed: number, given: readonly Parameter[]): void {
  if (given.length === needed) return;
  throw new InvalidInput([
    {
      field: 'parameters',
      detail: `the statement has ${needed} ${needed === 1 ? 'parameter' : 'parameters'}, and ${given.length} ${given.length === 1 ? 'was' : 'were'} given: give one for each of $1, $2 …`,
    },
  ]);
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
  if (state === SqlState.QUERY_CANCELED)
    return 'The statement took longer than it may here: leave analyze out, or run it from psql, which nothing cuts off';
  if (state === SqlState.READ_ONLY_SQL_TRANSACTION)
    return `Only what changes nothing is run to be analysed, and PostgreSQL says: ${message}`;
  if (state === SqlState.INSUFFICIENT_PRIVILEGE)
    return `It is run as the role of the application, which may not do that (${message}): leave analyze out for its plan`;
  if (state === SqlState.LOCK_NOT_AVAILABLE)
    return 'Somebody keeps everyone else out of a table of it: the report locks shows who';
  return MISTAKE.test(state)
    ? `PostgreSQL cannot plan it as it was recorded, or not with these values: ${message}`
    : undefined;
}
