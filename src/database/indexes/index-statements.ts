import type { CatalogueIndex } from './index-catalogue';

/** How an index is to be made. */
export interface CreateOptions {
  /** Without keeping writers out; not inside a transaction, and not on a partitioned table. */
  readonly concurrently?: boolean;
  /** Another name than the declared one. */
  readonly name?: string;
  /** Another table than the declared one: a partition of it, say. */
  readonly table?: string;
  /** On the partitioned table itself, not on its partitions: it is invalid until theirs are attached. */
  readonly only?: boolean;
}

/** The statement that makes a declared index. Names are those of the code, which are plain identifiers. */
export function createIndexStatement(index: CatalogueIndex, options: CreateOptions = {}): string {
  const { concurrently = false, only = false, name = index.name, table = index.table } = options;
  return [
    index.unique ? 'CREATE UNIQUE INDEX' : 'CREATE INDEX',
    ...(concurrently ? ['CONCURRENTLY'] : []),
    name,
    only ? 'ON ONLY' : 'ON',
    table,
    indexDefinition(index),
  ].join(' ');
}

/** What follows the table's name: method, keys and predicate. */
export function indexDefinition({
  using,
  keys,
  include,
  with: parameters,
  where,
}: Pick<CatalogueIndex, 'using' | 'keys' | 'include' | 'with' | 'where'>): string {
  const storage = Object.entries(parameters).map(([name, value]) => `${name} = ${value}`);
  return [
    `USING ${using} (${keys.join(', ')})`,
    ...(include.length === 0 ? [] : [`INCLUDE (${include.join(', ')})`]),
    ...(storage.length === 0 ? [] : [`WITH (${storage.join(', ')})`]),
    ...(where === undefined ? [] : [`WHERE ${where}`]),
  ].join(' ');
}
