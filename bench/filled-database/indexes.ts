import type { Client } from 'pg';
import { indexCatalogue, type CatalogueIndex } from '../../src/database/indexes/index-catalogue';
import { createIndexStatement } from '../../src/database/indexes/index-statements';

/** The declared indexes of some tables, or of all. */
export function declaredIndexesOf(tables?: readonly string[]): readonly CatalogueIndex[] {
  return indexCatalogue().filter(({ table }) => tables === undefined || tables.includes(table));
}

/**
 * Drops every index that is no constraint's: of some tables, or of all. With the ones that are declared those go that
 * a migration made and nobody declares any more.
 */
export async function dropIndexes(client: Pick<Client, 'query'>, tables?: readonly string[]): Promise<void> {
  const { rows } = await client.query<{ index: string }>(
    `SELECT i.indexrelid::regclass::text AS index FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid
      WHERE t.relnamespace = current_schema()::regnamespace AND NOT t.relispartition
        AND ($1::text[] IS NULL OR t.relname = ANY ($1)) AND t.relname <> 'migrations'
        AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)`,
    [tables ?? null],
  );
  for (const { index } of rows) await client.query(`DROP INDEX ${index}`);
}

/** Builds declared indexes, as the catalogue has them; fast, since nobody else works in this database. */
export async function createIndexes(
  client: Client,
  indexes: readonly CatalogueIndex[],
  onBuilt: (index: CatalogueIndex) => void = () => undefined,
): Promise<void> {
  for (const index of indexes) {
    await client.query(createIndexStatement(index));
    onBuilt(index);
  }
}
