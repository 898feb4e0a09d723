import { comparisonsOf, sortKeysOf, type Comparison, type SortKey } from './index-advice-conditions';
import type { PlanNode } from './plan-node';

/** An index that might serve a plan, and what is known of its use there. */
export interface Candidate {
  /** The table or partition that the plan reads. */
  readonly relation: string;
  readonly columns: readonly SortKey[];
  /** How many of the columns, the first ones, are compared with one value. */
  readonly equal: number;
  readonly use: CandidateUse;
}

/** What the step costs now, and how many rows the index would have to find, by the planner's own figures. */
export interface CandidateUse {
  /** Cost of the steps that would go. */
  readonly cost: number;
  /** How often the index is asked: once, or for every row of the other side of a join. */
  readonly times: number;
  /** Rows that it gives each time. */
  readonly rows: number;
}

/** Steps between a sort and the table that keep its rows as they are. */
const PASSES = new Set([
  'Gather',
  'Gather Merge',
  'Append',
  'Result',
  'Limit',
  'LockRows',
  'Sort',
  'Incremental Sort',
]);
const SORTS = new Set(['Sort', 'Incremental Sort']);
const SCANS = new Set(['Seq Scan', 'Index Scan', 'Index Only Scan', 'Bitmap Heap Scan']);
const CONDITIONS = ['Filter', 'Index Cond', 'Recheck Cond'] as const;
const JOIN_CONDITIONS = ['Hash Cond', 'Merge Cond', 'Join Filter'] as const;
/** An index of many columns serves one statement, and costs every writer. */
const MOST_COLUMNS = 4;

interface Scan {
  readonly node: PlanNode;
  readonly relation: string;
  /** From the nearest to the top. */
  readonly ancestors: readonly PlanNode[];
}

/**
 * The indexes that would spare a plan a sequential scan, or a sort of many rows: columns that are compared with one value first,
 * then a range, the order, or the other side of a join.
 * @param rowsOf how many rows a table has; undefined for what is none of ours, or too small
 * @param rowsWanted how many rows the statement really gave each time: what a LIMIT without its value leaves open
 */
export function candidatesOf(
  plan: PlanNode,
  rowsOf: (relation: string) => number | undefined,
  rowsWanted: number,
): Candidate[] {
  return scansOf(plan, []).flatMap((scan) =>
    rowsOf(scan.relation) === undefined ? [] : candidatesOfScan(scan, rowsWanted),
  );
}

function scansOf(node: PlanNode, ancestors: readonly PlanNode[]): Scan[] {
  const relation = node['Relation Name'];
  const own = SCANS.has(node['Node Type']) && relation !== undefined ? [{ node, relation, ancestors }] : [];
  return [...own, ...(node.Plans ?? []).flatMap((child) => scansOf(child, [node, ...ancestors]))];
}

function candidatesOfScan(scan: Scan, rowsWanted: number): Candidate[] {
  const { node, ancestors } = scan;
  const alias = node.Alias ?? scan.relation;
  const filters = comparisonsOf(alias, textsOf([node], CONDITIONS));
  const joins = comparisonsOf(alias, textsOf(ancestors, JOIN_CONDITIONS)).filter(({ join }) => join);
  const equal = columnsOf(filters, 'equal');
  const sequential = node['Node Type'] === 'Seq Scan';
  return [
    ...(sequential ? byFilter(scan, equal, columnsOf(filters, 'range')) : []),
    ...(sequential ? byJoin(scan, equal, columnsOf(joins, 'equal')) : []),
    ...byOrder(scan, alias, equal, filters, rowsWanted),
  ];
}

function textsOf(nodes: readonly PlanNode[], keys: readonly string[]): string[] {
  const texts = nodes.flatMap((node) => keys.map((key) => (node as unknown as Record<string, unknown>)[key]));
  return texts.filter((text) => typeof text === 'string');
}

const columnsOf = (comparisons: readonly Comparison[], wanted: Comparison['kind']): string[] => [
  ...new Set(comparisons.filter(({ kind }) => kind === wanted).map(({ column }) => column)),
];

const ascending = (columns: readonly string[]): SortKey[] =>
  columns.map((column) => ({ column, descending: false }));

function candidate(
  { relation }: Scan,
  equal: readonly string[],
  then: readonly SortKey[],
  use: CandidateUse,
): Candidate[] {
  const columns = [...ascending(equal), ...then.filter(({ column }) => !equal.includes(column))];
  if (columns.length === 0 || columns.length > MOST_COLUMNS) return [];
  return [{ relation, columns, equal: equal.length, use }];
}

function byFilter(scan: Scan, equal: readonly string[], ranges: readonly string[]): Candidate[] {
  const use = { cost: scan.node['Total Cost'], times: 1, rows: scan.node['Plan Rows'] };
  return candidate(scan, equal, ascending(ranges.slice(0, 1)), use);
}

/** Instead of reading the whole table once, the index is asked for each row of the other side. */
function byJoin(scan: Scan, equal: readonly string[], joined: readonly string[]): Candidate[] {
  const place = scan.ancestors.findIndex((node) => textsOf([node], JOIN_CONDITIONS).length > 0);
  const join = scan.ancestors[place];
  if (join === undefined || joined.length === 0) return [];
  const side = scan.ancestors[place - 1] ?? scan.node;
  const other = join.Plans?.find((child) => child !== side);
  const times = Math.max(1, other?.['Plan Rows'] ?? 1);
  const use = { cost: scan.node['Total Cost'], times, rows: join['Plan Rows'] / times };
  return candidate(scan, equal, ascending(joined), use);
}

function byOrder(
  scan: Scan,
  alias: string,
  equal: readonly string[],
  filters: readonly Comparison[],
  rowsWanted: number,
): Candidate[] {
  const place = scan.ancestors.findIndex(({ 'Node Type': type }) => SORTS.has(type));
  const sort = scan.ancestors[place];
  if (sort === undefined || scan.ancestors.slice(0, place).some((node) => !PASSES.has(node['Node Type'])))
    return [];
  const keys = sortKeysOf(alias, sort['Sort Key'] ?? []);
  if (keys.length === 0) return [];
  const limited = scan.ancestors.slice(place + 1).some(({ 'Node Type': type }) => type === 'Limit');
  const found = scan.node['Plan Rows'];
  const given = limited ? Math.min(found, Math.max(1, rowsWanted)) : found;
  // What the index does not tell is looked up in the table, row by row, until there are enough.
  const unknown = filters.some(({ kind }) => kind === 'range') ? 10 : 1;
  const use = { cost: sort['Total Cost'], times: 1, rows: Math.min(found, given * unknown) };
  const backwards = keys.every(({ descending }) => descending);
  return candidate(scan, equal, backwards ? ascending(keys.map(({ column }) => column)) : keys, use);
}
