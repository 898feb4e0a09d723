import type { CatalogueIndex } from './index-catalogue';

/** The statement that makes a declared index. Names are those of the code, which are plain identifiers. */
export const createIndexStatement = (index: CatalogueIndex): string =>
  `CREATE ${index.unique ? 'UNIQUE ' : ''}INDEX ${index.name} ON ${index.table} ${indexDefinition(index)}`;

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
