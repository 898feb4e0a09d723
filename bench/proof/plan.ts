/** A node of a plan, as EXPLAIN (FORMAT JSON) writes it; only what is looked at. */
export interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Index Name'?: string;
  readonly 'Relation Name'?: string;
  readonly 'Scan Direction'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Shared Hit Blocks': number;
  readonly 'Shared Read Blocks': number;
  readonly 'WAL Bytes'?: number;
  readonly Plans?: readonly PlanNode[];
}

/** What EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) answers for one statement. */
export interface ExplainedPlan {
  readonly Plan: PlanNode;
  /** Milliseconds. */
  readonly 'Execution Time': number;
}

/** A node and all below it, from the top down. */
export function nodesOf(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(nodesOf)];
}

/** Pages that the whole plan touched, whether they were in memory or not. */
export const buffersOf = ({ Plan }: ExplainedPlan): number =>
  Plan['Shared Hit Blocks'] + Plan['Shared Read Blocks'];

/** The nodes that read one of these indexes. */
export const scansOf = ({ Plan }: ExplainedPlan, indexes: ReadonlySet<string>): PlanNode[] =>
  nodesOf(Plan).filter((node) => indexes.has(node['Index Name'] ?? '') && node['Actual Loops'] > 0);

/** Partitions are many: more than so many scans are counted, not named. */
const NAMED_SCANS = 3;

/** How a plan reads its tables, outermost first: `Index Only Scan on users_pkey, Seq Scan on trades`. */
export function accessOf({ Plan }: ExplainedPlan): string {
  const scans = nodesOf(Plan)
    .filter((node) => node['Actual Loops'] > 0)
    .map((node) => {
      const place = node['Index Name'] ?? node['Relation Name'];
      return place === undefined ? undefined : `${node['Node Type']} on ${place}`;
    });
  const distinct = [...new Set(scans.filter((scan) => scan !== undefined))];
  const more = distinct.length - NAMED_SCANS;
  return distinct.slice(0, NAMED_SCANS).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
