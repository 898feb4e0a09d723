import { getMetadataArgsStorage } from 'typeorm';
import { loadEntities } from '../entities';
import { SnakeCaseNaming } from '../naming-strategy';
import {
  declaredIndexes,
  type ExpressionKey,
  type IndexDeclaration,
  type IndexMethod,
} from './performance-index';

/** An index as it is declared, in PostgreSQL's own words. */
export interface CatalogueIndex {
  readonly name: string;
  readonly table: string;
  /** The keys as SQL, operator class and direction included: `created_at DESC`. */
  readonly keys: readonly string[];
  /** Columns that are carried along. */
  readonly include: readonly string[];
  readonly where: string | undefined;
  readonly using: IndexMethod;
  readonly unique: boolean;
  readonly with: Readonly<Record<string, number | string>>;
  /** The question in words. */
  readonly serves: string;
  /** The question in SQL, with `:column` where a value of a real row belongs. */
  readonly query: string;
  readonly sample: string | undefined;
  /** Only the plan for the question's values counts. */
  readonly plannedForValues?: boolean | undefined;
}

const naming = new SnakeCaseNaming();

/**
 * Every index that an entity declares, by table and name: the one source for validation, building, proofs and
 * reports. Loads the entities itself and needs no database.
 * @throws Error when a declaration names a property that its entity does not have, or a name that is taken
 */
export function indexCatalogue(): readonly CatalogueIndex[] {
  loadEntities();
  const catalogue = declaredIndexes().map(describe);
  catalogue.sort((a, b) => compare(a.table, b.table) || compare(a.name, b.name));
  catalogue.forEach(({ name }, place) => {
    if (catalogue.findIndex((other) => other.name === name) !== place)
      throw new Error(`Two indexes are declared with the name ${name}: rename one of them`);
  });
  return catalogue;
}

function describe(declaration: IndexDeclaration): CatalogueIndex {
  const { name, options } = declaration;
  const columns = columnsOf(declaration);
  const columnOf = (property: string): string => {
    const column = columns.get(property);
    if (column !== undefined) return column;
    throw new Error(
      `Index ${name}: ${declaration.target.name} has no property ${property}; name one of ${[...columns.keys()].join(', ')}`,
    );
  };
  for (const property of Object.keys(options.order ?? {})) {
    if (!options.on.includes(property))
      throw new Error(`Index ${name} orders by ${property}, which is none of its keys`);
  }
  return {
    name,
    table: tableOf(declaration),
    keys: options.on.map((key) =>
      typeof key === 'string'
        ? [columnOf(key), ...(options.order?.[key] === undefined ? [] : ['DESC'])].join(' ')
        : expression(key),
    ),
    include: (options.include ?? []).map(columnOf),
    where: options.where,
    using: options.using ?? 'btree',
    unique: options.unique ?? false,
    with: options.with ?? {},
    serves: options.serves,
    query: options.query,
    sample: options.sample,
    plannedForValues: options.plannedForValues,
  };
}

const expression = ({ sql, operatorClass }: ExpressionKey): string =>
  operatorClass === undefined ? sql : `${sql} ${operatorClass}`;

function tableOf({ target, name }: IndexDeclaration): string {
  const table = getMetadataArgsStorage().tables.find((candidate) => candidate.target === target);
  if (table?.name === undefined)
    throw new Error(`Index ${name}: ${target.name} is no entity with a named table`);
  return table.name;
}

/** Columns of an entity by property. */
function columnsOf({ target }: IndexDeclaration): ReadonlyMap<string, string> {
  const columns = getMetadataArgsStorage().filterColumns(target);
  return new Map(
    columns.map(({ propertyName, options }) => [propertyName, naming.columnName(propertyName, options.name)]),
  );
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
