import type { Client } from 'pg';
import type { CatalogueIndex } from '../../src/database/indexes/index-catalogue';
import { buffersOf, type ExplainedPlan } from './plan';
import type { Question } from './question';

/**
 * How a named statement is planned: `force_custom_plan` for its values, as the first five times, `force_generic_plan`
 * for any, as PostgreSQL may do after that.
 */
export const PLAN_MODES = ['force_custom_plan', 'force_generic_plan'] as const;
export type PlanMode = (typeof PLAN_MODES)[number];

/** How an index's question is planned in the application. */
export const modesOf = ({
  plannedForValues,
}: Pick<CatalogueIndex, 'plannedForValues'>): readonly PlanMode[] =>
  plannedForValues ? ['force_custom_plan'] : PLAN_MODES;

/** How a question was answered. */
export interface Answer {
  readonly plan: ExplainedPlan;
  readonly rows: number;
  /** Pages touched. */
  readonly buffers: number;
  /** Of the execution, in milliseconds; the median of a few runs on a warm cache. */
  readonly milliseconds: number;
}

const STATEMENT = 'question';
const RUNS = 5;
/** What takes longer is run once more only, to be warm. */
const SLOW_MS = 200;

/** Prepares a question for {@link ask}; the one before is forgotten. */
export async function prepare(client: Client, { text }: Question): Promise<void> {
  await client.query('DEALLOCATE ALL');
  await client.query(`PREPARE ${STATEMENT} AS ${text}`);
}

/**
 * Asks the prepared question.
 * @param timed false asks it once, for its plan and buffers alone
 */
export async function ask(
  client: Client,
  values: readonly string[],
  mode: PlanMode,
  timed: boolean,
): Promise<Answer> {
  await client.query(`SET plan_cache_mode = ${mode}`);
  const literals = values.map((value) => client.escapeLiteral(value)).join(', ');
  const explain = `EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) EXECUTE ${STATEMENT}${values.length === 0 ? '' : ` (${literals})`}`;
  let plan = await explained(client, explain);
  const times: number[] = [];
  // The first run is cold: it is not counted.
  for (let run = 0; timed && run < RUNS && times.reduce((sum, time) => sum + time, 0) < SLOW_MS; run++) {
    plan = await explained(client, explain);
    times.push(plan['Execution Time']);
  }
  const { Plan } = plan;
  return {
    plan,
    rows: Plan['Actual Rows'] * Plan['Actual Loops'],
    buffers: buffersOf(plan),
    milliseconds: median(times) ?? plan['Execution Time'],
  };
}

/** Runs an EXPLAIN (FORMAT JSON). */
export async function explained(client: Client, explain: string): Promise<ExplainedPlan> {
  const { rows } = await client.query<{ 'QUERY PLAN': readonly [ExplainedPlan] }>(explain);
  const [row] = rows;
  if (row === undefined) throw new Error('EXPLAIN answered nothing');
  return row['QUERY PLAN'][0];
}

function median(times: readonly number[]): number | undefined {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)];
}
