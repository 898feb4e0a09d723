import type { DataSource } from 'typeorm';
import type { SchemaDifference } from './schema-difference';

/** Constraints, indexes and enums are compared by what they say; each has a file of its own. */
const COMPARED_ELSEWHERE =
  /^ALTER TABLE .* (?:ADD|DROP) CONSTRAINT |^DROP INDEX |^(?:CREATE|ALTER|DROP) TYPE /;

const NAME = '"(?:[^".]+"\\.")?([^"]+)"';
const CREATED = new RegExp(`^CREATE TABLE ${NAME}`);
const TYPE = new RegExp(`^(?:CREATE|ALTER|DROP) TYPE ${NAME}`);
const COLUMN = new RegExp(
  `^ALTER TABLE ${NAME} (ADD|DROP COLUMN|ALTER COLUMN|RENAME COLUMN) "([^"]+)"(?: (.*))?$`,
);

/** A statement and the values bound to it. */
export interface Statement {
  readonly query: string;
  readonly parameters?: readonly unknown[] | undefined;
}

/** What TypeORM would do to the schema to make it what the entities say, and how it would undo that. */
export async function synchronizingStatements(
  dataSource: DataSource,
): Promise<{ up: readonly Statement[]; down: readonly Statement[] }> {
  const { upQueries, downQueries } = await withoutWarnings(() =>
    dataSource.driver.createSchemaBuilder().log(),
  );
  return { up: upQueries, down: downQueries.toReversed() };
}

/** TypeORM sends statements before the last one is answered, which pg queues, and warns of. */
async function withoutWarnings<Result>(work: () => Promise<Result>): Promise<Result> {
  const { noDeprecation } = process;
  process.noDeprecation = true;
  try {
    return await work();
  } finally {
    process.noDeprecation = noDeprecation ?? false;
  }
}

/**
 * Compares tables and columns of all entities with those of the database.
 * @param except enums that differ: nothing is said of columns of these types
 */
export async function columnDifferences(
  dataSource: DataSource,
  except: ReadonlySet<string>,
): Promise<SchemaDifference[]> {
  const { up } = await synchronizingStatements(dataSource);
  const concernsEnum = concernsEnums(dataSource, except);
  const statements = up
    .map(({ query }) => query)
    .filter((statement) => !COMPARED_ELSEWHERE.test(statement) && !concernsEnum(statement));
  const differences = statements.flatMap((statement) => differenceOf(statement, statements));
  return differences.filter(
    ({ message }, place) => differences.findIndex((other) => other.message === message) === place,
  );
}

/** Tells statements that change these enums or columns of their types. */
export function concernsEnums(
  dataSource: DataSource,
  enums: ReadonlySet<string>,
): (statement: string) => boolean {
  const columns = dataSource.entityMetadatas.flatMap((entity) =>
    entity.columns
      .filter(({ enumName }) => enumName !== undefined && enums.has(enumName))
      .map(({ databaseName }) => `${entity.tableName}.${databaseName}`),
  );
  return (statement) => {
    const [, type = ''] = TYPE.exec(statement) ?? [];
    const [, table, verb, column] = COLUMN.exec(statement) ?? [];
    return (
      enums.has(type) ||
      enums.has(type.replace(/_old$/, '')) ||
      (verb === 'ALTER COLUMN' && columns.includes(`${table}.${column}`))
    );
  };
}

const GENERATE = 'npm run db:generate drafts the migration where the code is right';

function differenceOf(statement: string, all: readonly string[]): SchemaDifference[] {
  const [, created] = CREATED.exec(statement) ?? [];
  if (created !== undefined) {
    return [{ kind: 'table', message: `the table ${created} does not exist`, mend: GENERATE }];
  }
  const column = COLUMN.exec(statement);
  if (column !== null) return ofColumn(statement, column, all);
  return [{ kind: 'table', message: `an entity wants ${statement}`, mend: GENERATE }];
}

function ofColumn(
  statement: string,
  [, table, verb, column, rest]: RegExpExecArray,
  all: readonly string[],
): SchemaDifference[] {
  const where = `column ${column} of ${table}`;
  const has = (other: string): boolean =>
    all.some((text) => text.startsWith(`ALTER TABLE "${table}" ${other} "${column}"`));
  // Where TypeORM drops a column and adds it again, the column is of another type.
  if (verb === 'DROP COLUMN' && has('ADD')) return [];
  if (verb === 'DROP COLUMN') {
    const mend = `${statement}, which drops what is in it, or declare it`;
    return [{ kind: 'column', message: `${where} is declared on no entity`, mend }];
  }
  if (verb === 'ADD' && has('DROP COLUMN')) {
    const mend = `ALTER TABLE "${table}" ALTER COLUMN "${column}" TYPE …, or change the entity`;
    return [{ kind: 'column', message: `${where} is not ${rest}, as its entity says`, mend }];
  }
  if (verb === 'ADD') {
    return [{ kind: 'column', message: `${where} does not exist`, mend: statement }];
  }
  return [{ kind: 'column', message: `${where} is not what its entity says`, mend: statement }];
}
