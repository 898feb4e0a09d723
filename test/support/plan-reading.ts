import type { DatabaseUrls } from '../../src/database/database.module';
import { asOwner } from './database';
import type { PlanNode } from './executed-plans';

/** Rows of a table or partition, and the table that it is, or is a partition of. */
interface Relation {
  readonly table: string;
  readonly rows: number;
}

export type Relations = ReadonlyMap<string, Relation>;

/** How large every table and partition is, by its name. */
export async function relationsOf(urls: DatabaseUrls): Promise<Relations> {
  const rows = await asOwner<{ name: string; table: string; rows: number }>(
    urls,
    `SELECT c.relname AS name, coalesce(pg_partition_root(c.oid)::regclass, c.oid::regclass)::text AS table,
            greatest(c.reltuples, 0) AS rows
       FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace`,
  );
  return new Map(rows.map(({ name, table, rows: count }) => [name, { table, rows: Number(count) }]));
}

/** The tables by their size, partitions put together. */
export function tableSizes(relations: Relations): ReadonlyMap<string, number> {
  const sizes = new Map<string, number>();
  for (const { table, rows } of relations.values()) sizes.set(table, (sizes.get(table) ?? 0) + rows);
  return sizes;
}

/**
 * The tables of which a plan goes through more than `most` rows one by one, though it may be looking for few. Partitions
 * count together: to read all of them is to read the table.
 */
export function scannedTables(plan: PlanNode, relations: Relations, most: number): string[] {
  const scanned = new Map<string, number>();
  for (const node of nodesOf(plan)) {
    const relation = relations.get(node['Relation Name'] ?? '');
    if (node['Node Type'] !== 'Seq Scan' || relation === undefined) continue;
    scanned.set(relation.table, (scanned.get(relation.table) ?? 0) + relation.rows);
  }
  return [...scanned].filter(([, rows]) => rows > most).map(([table]) => table);
}

/** How many rows and index entries a plan looked at, those included that it did not want. */
export function rowsRead(plan: PlanNode): number {
  let rows = 0;
  for (const node of nodesOf(plan)) {
    if (node['Relation Name'] === undefined && node['Node Type'] !== 'Bitmap Index Scan') continue;
    const each =
      (node['Actual Rows'] ?? 0) +
      (node['Rows Removed by Filter'] ?? 0) +
      (node['Rows Removed by Index Recheck'] ?? 0);
    rows += each * (node['Actual Loops'] ?? 0);
  }
  return Math.round(rows);
}

function* nodesOf(plan: PlanNode): Generator<PlanNode> {
  yield plan;
  for (const child of plan.Plans ?? []) yield* nodesOf(child);
}
