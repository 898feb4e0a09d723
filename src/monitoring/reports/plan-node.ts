import { withoutValues } from '../../database/statement-fingerprint';

/** A step of a plan, as EXPLAIN (VERBOSE, FORMAT JSON) gives it; those named here are read. */
export interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Total Cost': number;
  readonly 'Plan Rows': number;
  readonly Schema?: string;
  readonly 'Relation Name'?: string;
  readonly Alias?: string;
  readonly 'Index Name'?: string;
  readonly Filter?: string;
  readonly 'Index Cond'?: string;
  readonly 'Hash Cond'?: string;
  readonly 'Merge Cond'?: string;
  readonly 'Join Filter'?: string;
  readonly 'Sort Key'?: readonly string[];
  readonly Plans?: readonly PlanNode[];
}

/** The steps of a plan, from the top down. */
export const planNodes = (plan: PlanNode): PlanNode[] => [plan, ...(plan.Plans ?? []).flatMap(planNodes)];

/** What lists every column of every step says nothing that the statement does not. */
const LEFT_OUT = new Set(['Output', 'Async Capable', 'Parallel Aware']);

/** A plan as it may be shown: constants, as of partial indexes and views, may be somebody's values. */
export function shownPlan(plan: PlanNode): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(plan)
      .filter(([key]) => !LEFT_OUT.has(key))
      .map(([key, value]) => [key, key === 'Plans' ? (plan.Plans ?? []).map(shownPlan) : withoutText(value)]),
  );
}

function withoutText(value: unknown): unknown {
  if (typeof value === 'string') return withoutValues(value);
  return Array.isArray(value) ? value.map(withoutText) : value;
}
