import { getMetadataArgsStorage } from 'typeorm';
import { loadEntities } from '../entities';
import { canonicalForms, type CanonicalForm } from './canonical-form';
import type { CatalogueIndex } from './index-catalogue';
import { inSql } from './index-in-sql';
import {
  readLiveTables,
  withPartitions,
  type LiveIndex,
  type LiveTable,
  type LockedTable,
} from './live-indexes';
import type { StatementRunner } from './statement-runner';

/** Where a declaration and the database disagree about an index. */
export interface IndexDifference {
  /**
   * `missing`: declared, and not there. `invalid`: left behind by a broken build, serves nobody. `differs`: there in
   * another form. `partition`: a partition without its part. `undeclared`: there, and no declaration knows it.
   */
  readonly kind: 'missing' | 'invalid' | 'differs' | 'partition' | 'undeclared';
  readonly index: string;
  /** The table, or the partition that is concerned. */
  readonly table: string;
  /** As PostgreSQL would write what is declared; undefined where nothing is, or where it cannot be made. */
  readonly declared: string | undefined;
  /** As PostgreSQL writes what is there. */
  readonly live: string | undefined;
  /** The difference as a sentence. */
  readonly message: string;
}

/**
 * Compares declared indexes with those of the database, both ways, partitions included. Indexes of constraints are
 * left to who compares constraints. Runs a transaction that it rolls back: not inside one of the caller's.
 * @param tables the tables to look for undeclared indexes in; those of all entities when left out
 * @param leftOut tables and partitions that are not looked at
 * @returns by table and index; empty when both agree
 */
export async function compareIndexes(
  runner: StatementRunner,
  catalogue: readonly CatalogueIndex[],
  tables: readonly string[] = entityTables(),
  leftOut: readonly LockedTable[] = [],
): Promise<IndexDifference[]> {
  const unseen = new Set(leftOut.map(({ name }) => name));
  const looked = catalogue.filter(({ table }) => !unseen.has(table));
  const names = [...new Set([...tables, ...looked.map(({ table }) => table)])];
  const live = new Map((await readLiveTables(runner, names, leftOut)).map((table) => [table.name, table]));
  const possible = looked.filter(({ table }) => live.has(table));
  const forms = await canonicalForms(runner, possible.map(inSql));
  const differences = [
    ...looked.flatMap((index) => declaredDifferences(index, live.get(index.table), forms.get(index.name))),
    ...[...live.values()].flatMap((table) => undeclared(table, catalogue)),
  ];
  return differences.sort((a, b) => compare(a.table, b.table) || compare(a.index, b.index));
}

/** The tables of all entities. */
export function entityTables(): string[] {
  loadEntities();
  return getMetadataArgsStorage().tables.flatMap(({ name }) => name ?? []);
}

function declaredDifferences(
  { name, table: tableName }: CatalogueIndex,
  table: LiveTable | undefined,
  canonical: CanonicalForm | undefined,
): IndexDifference[] {
  const difference = differenceOf(name, canonical);
  if (table === undefined)
    return [difference('missing', tableName, undefined, `the table ${tableName} does not exist`)];
  const index = table.indexes.find((candidate) => candidate.name === name);
  if (canonical !== undefined && 'impossible' in canonical)
    return [
      difference(
        index === undefined ? 'missing' : 'differs',
        tableName,
        index,
        `cannot be made as it is declared: ${canonical.impossible}`,
      ),
    ];
  if (index === undefined) return [difference('missing', tableName, undefined, 'is declared and not there')];
  if (index.constraint !== undefined)
    return [difference('differs', tableName, index, `belongs to the constraint ${index.constraint}`)];
  if (index.form !== canonical?.form)
    return [difference('differs', tableName, index, `is ${index.form}, and declared as ${canonical?.form}`)];
  const ofPartitions = table.partitions.flatMap((partition) => partDifferences(index, partition, difference));
  if (index.valid || ofPartitions.length > 0) return ofPartitions;
  return [difference('invalid', tableName, index, 'is INVALID: a build of it did not finish')];
}

type Difference = (
  kind: IndexDifference['kind'],
  table: string,
  live: LiveIndex | undefined,
  what: string,
) => IndexDifference;

function differenceOf(name: string, canonical: CanonicalForm | undefined): Difference {
  const declared = canonical !== undefined && 'form' in canonical ? canonical.form : undefined;
  return (kind, table, live, what) => ({
    kind,
    index: name,
    table,
    declared,
    live: live?.form,
    message: `${name} on ${table} ${what}`,
  });
}

/** What an index lacks on a partition, down to the last partition of a partition. */
function partDifferences(whole: LiveIndex, partition: LiveTable, difference: Difference): IndexDifference[] {
  const part = whole.parts.find(({ table }) => table === partition.name);
  if (part === undefined)
    return [difference('partition', partition.name, undefined, 'lacks its part on this partition')];
  const below = partition.partitions.flatMap((child) => partDifferences(part, child, difference));
  if (part.valid || below.length > 0) return below;
  return [difference('invalid', partition.name, part, 'is INVALID on this partition')];
}

/** Indexes that no constraint owns, no declaration knows, and that are no part of another. */
function undeclared(table: LiveTable, catalogue: readonly CatalogueIndex[]): IndexDifference[] {
  const known = new Set(catalogue.filter((index) => index.table === table.name).map(({ name }) => name));
  return withPartitions(table).flatMap(({ name, indexes }) =>
    indexes
      .filter(({ constraint, attachedTo }) => constraint === undefined && attachedTo === undefined)
      .filter((index) => name !== table.name || !known.has(index.name))
      .map((index) => ({
        kind: 'undeclared',
        index: index.name,
        table: name,
        declared: undefined,
        live: index.form,
        message: index.valid
          ? `${index.name} on ${name} is known to no declaration`
          : `${index.name} on ${name} was left behind INVALID, and no declaration knows it`,
      })),
  );
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
