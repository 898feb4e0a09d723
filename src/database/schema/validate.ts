import { entityFiles } from '../entities';
import { indexCatalogue } from '../indexes/index-catalogue';
import { compareIndexes, type IndexDifference } from '../indexes/index-comparison';
import { columnDifferences } from './column-differences';
import { constraintDifferences } from './constraint-differences';
import { knownMigrations } from './known-migrations';
import { appliedMigrations } from './migration-history';
import { migrationStates, type MigrationState, type MigrationStatus } from './migration-states';
import { objectDifferences } from './object-differences';
import { asOwner, type Code, type OwnerSession } from './owner-session';
import type { SchemaDifference } from './schema-difference';

/** What a validation found, and how much it looked at. */
export interface Validation {
  /** Empty when code and database agree. */
  readonly differences: readonly SchemaDifference[];
  readonly tables: number;
  readonly columns: number;
  readonly constraints: number;
  readonly indexes: number;
  readonly migrations: number;
}

/**
 * Compares migrations, entities, constraints and the catalogue of indexes with what the database has, both ways.
 * Changes nothing: what it tries out, it rolls back.
 * @param code all entities and migrations when left out
 */
export async function validateSchema(ownerUrl: string, code: Code = {}): Promise<Validation> {
  return asOwner(ownerUrl, validate, { entities: entityFiles(), ...code });
}

async function validate({ dataSource, runner }: OwnerSession): Promise<Validation> {
  const states = migrationStates(await knownMigrations(dataSource), await appliedMigrations(runner));
  const { tables, enums, differences } = await objectDifferences(dataSource, runner);
  const columns = await columnDifferences(dataSource, new Set(enums.map(({ name }) => name)));
  const constraints = await constraintDifferences(dataSource, runner, tables);
  const catalogue = indexCatalogue();
  const entities = dataSource.entityMetadatas;
  const indexes = await compareIndexes(
    runner,
    catalogue.filter(({ table }) => tables.has(table)),
    entities.map(({ tableName }) => tableName),
  );
  return {
    differences: [
      ...states.flatMap(ofMigration),
      ...differences,
      ...columns,
      ...constraints.differences,
      ...indexes.map(ofIndex),
    ],
    tables: entities.length,
    columns: entities.reduce((sum, entity) => sum + entity.columns.length, 0),
    constraints: constraints.compared,
    indexes: catalogue.length,
    migrations: states.length,
  };
}

const MIGRATION_MENDS: Record<MigrationState, [message: string, mend: string] | undefined> = {
  applied: undefined,
  pending: ['is not applied', 'npm run db:migrate'],
  changed: ['is no longer what was applied', 'put the file back as it was, and make the change in a new one'],
  unknown: ['was applied by a newer version', 'start that version, or take it back with it: npm run db:undo'],
};

function ofMigration({ title, state }: MigrationStatus): SchemaDifference[] {
  const found = MIGRATION_MENDS[state];
  return found === undefined ? [] : [{ kind: 'migration', message: `${title} ${found[0]}`, mend: found[1] }];
}

function ofIndex({ kind, index, message }: IndexDifference): SchemaDifference {
  const mend =
    kind === 'undeclared'
      ? `DROP INDEX CONCURRENTLY ${index}, or declare it with @PerformanceIndex`
      : 'npm run db:indexes';
  return { kind: 'index', message, mend };
}
