import { sqlState } from '../../database/query-events';
import { rowsOf, type StatementRunner } from '../../database/indexes/statement-runner';
import type { Candidate, CandidateUse } from './index-advice-candidates';
import { planNodes, type PlanNode } from './plan-node';
import { planOf } from './statement-plan';

/** A column as it stands in an index: its name quoted for SQL, and how many bytes its values take on average. */
export interface WeighedColumn {
  readonly sql: string;
  readonly bytes: number;
}

/** A table that may get an index. */
export interface WeighedTable {
  readonly name: string;
  /** The name as a statement takes it. */
  readonly sql: string;
  readonly partitioned: boolean;
  readonly rows: number;
  readonly columns: ReadonlyMap<string, WeighedColumn>;
}

/** What an index would be worth to a statement. */
export interface Weight {
  /** The planner's cost of the statement with it. */
  readonly cost: number;
  readonly bytes: number;
  readonly by: 'HypoPG' | 'estimate';
}

/** An index that PostgreSQL would not make either, such as one of values that are too long for it. */
export interface Refused {
  /** HypoPG's own words: they speak of the index, and of no value. */
  readonly refused: string;
}

/** A statement whose plan could be better. */
export interface Weighed {
  readonly text: string;
  readonly plan: PlanNode;
}

/** An index has three levels up to some hundred million entries, and each row found is a page of the table. */
const LEVELS = 3;
/** The planner's cpu_tuple_cost and cpu_index_tuple_cost and what compares, roughly. */
const ROW_COST = 0.02;
/** Of an entry: its header and line pointer; of a page: what is left free (PostgreSQL: access/itup.h, access/nbtree.h). */
const ENTRY_BYTES = 12;
const FILLED = 0.9;

/** The keys of a candidate as SQL. */
export const keysOf = ({ columns }: Pick<Candidate, 'columns'>, table: WeighedTable): string =>
  columns
    .map(({ column, descending }) => `${table.columns.get(column)?.sql ?? ''}${descending ? ' DESC' : ''}`)
    .join(', ');

/**
 * Lets the planner say what an index would be worth, which HypoPG makes it believe in.
 * @returns undefined where the planner would not take it
 */
export async function weighedByHypoPg(
  session: StatementRunner,
  hypopg: string,
  { text }: Weighed,
  candidate: Candidate,
  table: WeighedTable,
): Promise<Weight | Refused | undefined> {
  try {
    const index = await hypothetical(
      session,
      hypopg,
      `CREATE INDEX ON ${table.sql} (${keysOf(candidate, table)})`,
    );
    if ('refused' in index) return index;
    const planned = await planOf(session, text);
    if (!('plan' in planned)) return undefined;
    if (!planNodes(planned.plan).some((node) => node['Index Name'] === index.name)) return undefined;
    const [size] = await rowsOf<{ bytes: number }>(
      session,
      `SELECT ${hypopg}.hypopg_relation_size($1::oid)::float8 AS bytes`,
      [index.oid],
    );
    return { cost: planned.plan['Total Cost'], bytes: size?.bytes ?? 0, by: 'HypoPG' };
  } finally {
    await session.query(`SELECT ${hypopg}.hypopg_reset()`);
  }
}

async function hypothetical(
  session: StatementRunner,
  hypopg: string,
  create: string,
): Promise<{ readonly oid: string; readonly name: string } | Refused> {
  try {
    const [index] = await rowsOf<{ oid: string; name: string }>(
      session,
      `SELECT indexrelid::text AS oid, indexname AS name FROM ${hypopg}.hypopg_create_index($1)`,
      [create],
    );
    return index ?? { refused: 'it makes none of this kind' };
  } catch (error) {
    if (!(error instanceof Error) || sqlState(error) === undefined) throw error;
    return { refused: error.message };
  }
}

/** Reckons what an index would be worth by the planner's own cost of a page that is read out of order. */
export function weighedByEstimate(
  { plan }: Weighed,
  { columns, uses }: Candidate,
  table: WeighedTable,
  randomPageCost: number,
): Weight {
  const once = ({ rows }: CandidateUse): number => (LEVELS + rows) * randomPageCost + rows * ROW_COST;
  const found = uses.reduce((sum, use) => sum + use.times * once(use), 0);
  const spared = [...new Set(uses.map(({ step }) => step))].reduce(
    (sum, step) => sum + step['Total Cost'],
    0,
  );
  const cost = Math.max(0, plan['Total Cost'] - spared) + found;
  const entry = columns.reduce(
    (sum, { column }) => sum + Math.ceil((table.columns.get(column)?.bytes ?? 8) / 8) * 8,
    ENTRY_BYTES,
  );
  return { cost, bytes: Math.round((table.rows * entry) / FILLED), by: 'estimate' };
}
