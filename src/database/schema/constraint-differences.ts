import type { DataSource, EntityMetadata, QueryRunner } from 'typeorm';
import type { SchemaDifference } from './schema-difference';

/** A constraint, as an entity declares it or as the database has it. */
export interface Constraint {
  readonly table: string;
  readonly name: string;
  /** As pg_get_constraintdef writes it, without NOT VALID. */
  readonly definition: string;
}

/** A constraint that the two sides do not have alike; one of them may not have it at all. */
export interface ConstraintDifference extends SchemaDifference {
  readonly declared: Constraint | undefined;
  readonly live: Constraint | undefined;
}

interface LiveConstraint extends Constraint {
  readonly validated: boolean;
}

interface Trial {
  readonly table: string;
  readonly name: string;
  /** What follows ADD CONSTRAINT and the name. */
  readonly sql: string;
}

const NOT_VALID = / NOT VALID$/;

/** Primary keys, unique, foreign keys, checks and exclusions; NOT NULL belongs to the columns. */
const LIVE = `
  SELECT c.relname AS table, k.conname AS name, pg_get_constraintdef(k.oid) AS definition, k.convalidated AS validated
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
   WHERE c.relnamespace = to_regnamespace(quote_ident(current_schema())) AND NOT c.relispartition
     AND c.relname = ANY ($1) AND k.contype IN ('p', 'u', 'f', 'c', 'x')
   ORDER BY c.relname, k.conname`;

/**
 * Compares the constraints of all entities with those of the database, both ways and by what they say: TypeORM
 * itself compares names. Runs a transaction that it rolls back: not inside one of the caller's.
 * @param tables the tables that the database has; the constraints of others cannot be compared
 */
export async function constraintDifferences(
  dataSource: DataSource,
  runner: QueryRunner,
  tables: ReadonlySet<string>,
): Promise<{ differences: ConstraintDifference[]; compared: number }> {
  const entities = dataSource.entityMetadatas.filter(({ tableName }) => tables.has(tableName));
  const live = (await runner.query(LIVE, [entities.map(({ tableName }) => tableName)])) as LiveConstraint[];
  const declared = [...entities.flatMap(keysOf), ...(await canonical(runner, entities.flatMap(trialsOf)))];
  const differences = [
    ...declared.flatMap((constraint) => compare(constraint, live)),
    ...live.filter((constraint) => !declared.some((other) => same(constraint, other))).map(undeclared),
  ];
  return { differences, compared: live.length };
}

const same = (a: Constraint, b: Constraint): boolean => a.table === b.table && a.name === b.name;

function compare(declared: Constraint, live: readonly LiveConstraint[]): ConstraintDifference[] {
  const { table, name, definition } = declared;
  const found = live.find((constraint) => same(constraint, declared));
  const add = adding(declared);
  const difference = (message: string, mend: string): ConstraintDifference[] => [
    { kind: 'constraint', message: `${name} of ${table} ${message}`, mend, declared, live: found },
  ];
  if (found === undefined) return difference('is declared and not there', add);
  if (unquoted(found.definition.replace(NOT_VALID, '')) !== unquoted(definition)) {
    const drop = `ALTER TABLE ${table} DROP CONSTRAINT ${name}`;
    return difference(`is ${found.definition}, and declared as ${definition}`, `${drop}; ${add}`);
  }
  if (found.validated) return [];
  return difference('was never validated', `ALTER TABLE ${table} VALIDATE CONSTRAINT ${name}`);
}

/** A check or foreign key is added at once, and proven while others work. */
function adding({ table, name, definition }: Constraint): string {
  const add = `ALTER TABLE ${table} ADD CONSTRAINT ${name} ${definition}`;
  return /^(?:CHECK|FOREIGN KEY) /.test(definition)
    ? `${add} NOT VALID; ALTER TABLE ${table} VALIDATE CONSTRAINT ${name}`
    : add;
}

const undeclared = (live: LiveConstraint): ConstraintDifference => ({
  kind: 'constraint',
  message: `${live.name} of ${live.table} (${live.definition}) is declared on no entity`,
  mend: `ALTER TABLE ${live.table} DROP CONSTRAINT ${live.name}, or declare it`,
  declared: undefined,
  live,
});

/** Primary, unique and foreign keys in PostgreSQL's own words. */
function keysOf(entity: EntityMetadata): Constraint[] {
  const { tableName: table, primaryColumns, uniques, foreignKeys } = entity;
  const list = (columns: readonly { databaseName: string }[]): string =>
    columns.map(({ databaseName }) => databaseName).join(', ');
  return [
    {
      table,
      name: primaryKeyName(entity),
      definition: `PRIMARY KEY (${list(primaryColumns)})`,
    },
    ...uniques.map(({ name, columns, deferrable }) => ({
      table,
      name,
      definition: `UNIQUE (${list(columns)})${deferred(deferrable)}`,
    })),
    ...foreignKeys.map((key) => ({
      table,
      name: key.name,
      definition:
        `FOREIGN KEY (${list(key.columns)}) REFERENCES ${key.referencedEntityMetadata.tableName}(${list(key.referencedColumns)})` +
        action('ON UPDATE', key.onUpdate) +
        action('ON DELETE', key.onDelete) +
        deferred(key.deferrable),
    })),
  ];
}

function primaryKeyName({ primaryColumns, tableName, dataSource }: EntityMetadata): string {
  const naming = dataSource.namingStrategy;
  const columns = primaryColumns.map(({ databaseName }) => databaseName);
  return primaryColumns[0]?.primaryKeyConstraintName ?? naming.primaryKeyName(tableName, columns);
}

const action = (event: string, what: string | undefined): string =>
  what === undefined || what === 'NO ACTION' ? '' : ` ${event} ${what}`;

function deferred(deferrable: string | undefined): string {
  if (deferrable === undefined) return '';
  return deferrable === 'INITIALLY DEFERRED' ? ' DEFERRABLE INITIALLY DEFERRED' : ' DEFERRABLE';
}

function trialsOf({ tableName: table, checks, exclusions }: EntityMetadata): Trial[] {
  return [
    ...checks.map(({ name, expression }) => ({ table, name, sql: `CHECK (${expression})` })),
    ...exclusions.map(({ name, expression, deferrable }) => ({
      table,
      name,
      sql: `EXCLUDE ${expression}${deferred(deferrable)}`,
    })),
  ];
}

/** Lets PostgreSQL write expressions in its own words: each constraint is made on an empty copy of its table. */
async function canonical(runner: QueryRunner, trials: readonly Trial[]): Promise<Constraint[]> {
  const tables = [...new Set(trials.map(({ table }) => table))];
  const copies = new Map(tables.map((table, place) => [table, `copy_${place}`]));
  await runner.query('BEGIN');
  try {
    const copying = [...copies].map(
      ([table, copy]) => `CREATE TEMPORARY TABLE ${copy} (LIKE ${quoted(table)})`,
    );
    await runner.query(copying.join(';'));
    await attempt(
      runner,
      trials.map(
        ({ table, name, sql }) =>
          `ALTER TABLE pg_temp.${copies.get(table)} ADD CONSTRAINT ${quoted(name)} ${sql}`,
      ),
    );
    const made = (await runner.query(
      `SELECT c.relname AS copy, k.conname AS name, pg_get_constraintdef(k.oid) AS definition
         FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
        WHERE c.relnamespace = pg_my_temp_schema() AND c.relname = ANY ($1)`,
      [[...copies.values()]],
    )) as { copy: string; name: string; definition: string }[];
    return trials.map(({ table, name, sql }) => ({
      table,
      name,
      definition: made.find((row) => row.copy === copies.get(table) && row.name === name)?.definition ?? sql,
    }));
  } finally {
    // On a broken connection it fails too: the first error is the one that tells what happened.
    await runner.query('ROLLBACK').catch(() => undefined);
  }
}

/**
 * All at once, since that is one round trip; one by one where one fails, which names what its table does not have,
 * and so is another one than the database's.
 */
async function attempt(runner: QueryRunner, statements: readonly string[]): Promise<void> {
  await runner.query('SAVEPOINT trial');
  try {
    await runner.query(statements.join(';'));
  } catch {
    await runner.query('ROLLBACK TO SAVEPOINT trial');
    if (statements.length === 1) return;
    for (const statement of statements) await attempt(runner, [statement]);
  }
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** Without the quotes that plain names do not need: PostgreSQL sets them around its own words only. */
const unquoted = (definition: string): string => definition.replace(/"([a-z_][a-z0-9_]*)"/g, '$1');
