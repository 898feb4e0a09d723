import { comparisonsOf, sortKeysOf, type Comparison, type SortKey } from './index-advice-conditions';
import type { PlanNode } from './plan-node';

/** An index that might serve a plan, and what is known of its use there. */
export interface Candidate {
  /** The table or partition that the plan reads. */
  readonly relation: string;
  readonly columns: readonly SortKey[];
  /** How many of the columns, the first ones, are compared with one value. */
  readonly equal: number;
  /** One, or of a partitioned table one for each partition. */
  readonly uses: readonly CandidateUse[];
}

/** What an index would do in a plan, by the planner's own figures. */
export interface CandidateUse {
  /** Reads the table now. */
  readonly scan: PlanNode;
  /** Would go, with what is below it; a sort of the rows of many partitions is the same one for all of them. */
  readonly step: PlanNode;
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
/** What is above them names the columns as those of the whole table. */
const PARTITIONS_TOGETHER = new Set(['Append', 'Merge Append']);
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
  const { node } = scan;
  const alias = node.Alias ?? scan.relation;
  const filters = comparisonsOf(alias, textsOf([node], CONDITIONS));
  const joins = joinsOf(scan, alias);
  const equal = columnsOf(filters, 'equal');
  const sequential = node['Node Type'] === 'Seq Scan';
  return [
    ...(sequential ? byFilter(scan, equal, columnsOf(filters, 'range')) : []),
    ...(sequential ? byJoin(scan, equal, columnsOf(joins, 'equal')) : []),
    ...byOrder(scan, alias, equal, filters, rowsWanted),
  ];
}

/** The alias of a scan as the step at a place above it writes it: that of a partition is the table's with a number. */
function aliasAt({ ancestors }: Scan, place: number, alias: string): string {
  const together = ancestors.findIndex(({ 'Node Type': type }) => PARTITIONS_TOGETHER.has(type));
  return together === -1 || place < together ? alias : alias.replace(/_\d+$/, '');
}

const joinsOf = (scan: Scan, alias: string): Comparison[] =>
  scan.ancestors.flatMap((node, place) =>
    comparisonsOf(aliasAt(scan, place, alias), textsOf([node], JOIN_CONDITIONS)).filter(({ join }) => join),
  );

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
  return [{ relation, columns, equal: equal.length, uses: [use] }];
}

function byFilter(scan: Scan, equal: readonly string[], ranges: readonly string[]): Candidate[] {
  const { node } = scan;
  const use = { scan: node, step: node, times: 1, rows: node['Plan Rows'] };
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
  const rows = (join['Plan Rows'] / times) * shareOf(scan);
  const use = { scan: scan.node, step: scan.node, times, rows };
  return candidate(scan, equal, ascending(joined), use);
}

/** How much of the rows of a table are those of this partition. */
function shareOf({ node, ancestors }: Scan): number {
  const whole = ancestors.find(({ 'Node Type': type }) => PARTITIONS_TOGETHER.has(type));
  return whole === undefined ? 1 : Math.min(1, node['Plan Rows'] / Math.max(1, whole['Plan Rows']));
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
  const keys = sortKeysOf(aliasAt(scan, place, alias), sort['Sort Key'] ?? []);
  if (keys.length === 0) return [];
  const limited = scan.ancestors.slice(place + 1).some(({ 'Node Type': type }) => type === 'Limit');
  const found = scan.node['Plan Rows'];
  const given = limited ? Math.min(found, Math.max(1, rowsWanted)) : found;
  // What the index does not tell is looked up in the table, row by row, until there are enough.
  const unknown = filters.some(({ kind }) => kind === 'range') ? 10 : 1;
  const use = { scan: scan.node, step: sort, times: 1, rows: Math.min(found, given * unknown) };
  const backwards = keys.every(({ descending }) => descending);
  return candidate(scan, equal, backwards ? ascending(keys.map(({ column }) => column)) : keys, use);
}

/**
 * One candidate for each index: a table may be read in several places, and a partitioned one in all of its partitions, which
 * the index of the whole serves. Where it would serve one scan in two ways, the one that spares more stands.
 * @param wholeOf the table that a relation of the plan is, or is a part of
 */
export function together(
  candidates: readonly Candidate[],
  wholeOf: (relation: string) => string,
): Candidate[] {
  const byKeys = new Map<string, Candidate>();
  for (const candidate of candidates) {
    const key = JSON.stringify([wholeOf(candidate.relation), candidate.columns]);
    const known = byKeys.get(key);
    byKeys.set(key, { ...candidate, ...known, uses: bestUses([...(known?.uses ?? []), ...candidate.uses]) });
  }
  return [...byKeys.values()];
}

function bestUses(uses: readonly CandidateUse[]): CandidateUse[] {
  const ofScans = new Map<PlanNode, CandidateUse>();
  for (const use of uses) {
    const known = ofScans.get(use.scan);
    if (known === undefined || use.step['Total Cost'] > known.step['Total Cost']) ofScans.set(use.scan, use);
  }
  return [...ofScans.values()];
}
