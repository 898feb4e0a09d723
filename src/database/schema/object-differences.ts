import type { DataSource, QueryRunner } from 'typeorm';
import type { SchemaDifference } from './schema-difference';

/** Tables that migrations themselves need. */
const OURS = ['migrations', 'migration_history', 'typeorm_metadata'];

/** Tables, views and enums of the schema, without partitions and what extensions brought. */
const OBJECTS = `
  SELECT CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'f' THEN 'FOREIGN TABLE'
           ELSE 'TABLE' END AS kind, relname AS name, NULL::text[] AS labels
    FROM pg_class c
   WHERE relnamespace = to_regnamespace(quote_ident(current_schema())) AND relkind IN ('r', 'p', 'v', 'm', 'f')
     AND NOT relispartition
     AND NOT EXISTS (SELECT FROM pg_depend d
                      WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
  UNION ALL
  SELECT 'TYPE', typname, ARRAY(SELECT enumlabel::text FROM pg_enum WHERE enumtypid = t.oid ORDER BY enumsortorder)
    FROM pg_type t
   WHERE typnamespace = to_regnamespace(quote_ident(current_schema())) AND typtype = 'e'
     AND NOT EXISTS (SELECT FROM pg_depend d
                      WHERE d.classid = 'pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e')
   ORDER BY 1, 2`;

interface LiveObject {
  readonly kind: 'TABLE' | 'VIEW' | 'MATERIALIZED VIEW' | 'FOREIGN TABLE' | 'TYPE';
  readonly name: string;
  /** The values of an enum. */
  readonly labels: readonly string[] | null;
}

/** What a comparison of tables, views and enums as a whole found. */
export interface ObjectComparison {
  readonly differences: readonly SchemaDifference[];
  /** The tables that the database has. */
  readonly tables: ReadonlySet<string>;
  /** The enums that are not as declared: nothing can be said of columns of these types. */
  readonly enums: readonly EnumDifference[];
}

/** An enum that is not as declared. */
export interface EnumDifference extends SchemaDifference {
  readonly name: string;
  /** The statements that make it so, where values are only added. */
  readonly additions: readonly string[];
}

/** Finds tables, views and enums that no entity knows, and enums with other values than declared. */
export async function objectDifferences(
  dataSource: DataSource,
  runner: QueryRunner,
): Promise<ObjectComparison> {
  const objects = (await runner.query(OBJECTS)) as LiveObject[];
  const live = objects.filter(({ kind }) => kind !== 'TYPE');
  const known = new Set([...OURS, ...dataSource.entityMetadatas.map(({ tableName }) => tableName)]);
  const liveEnums = new Map(objects.flatMap(({ name, labels }) => (labels === null ? [] : [[name, labels]])));
  const declared = declaredEnums(dataSource);
  const enums = [...declared].flatMap(([name, values]) => enumDifference(name, values, liveEnums.get(name)));
  return {
    differences: [
      ...live.filter(({ name }) => !known.has(name)).map(stray),
      ...objects.filter(({ kind, name }) => kind === 'TYPE' && !declared.has(name)).map(stray),
      ...enums,
    ],
    tables: new Set(live.map(({ name }) => name)),
    enums,
  };
}

function stray({ kind, name }: LiveObject): SchemaDifference {
  return {
    kind: kind === 'TYPE' ? 'enum' : 'table',
    message: `the ${kind === 'TYPE' ? 'enum' : kind.toLowerCase()} ${name} is declared by no entity`,
    mend: `DROP ${kind} ${name}, or declare it`,
  };
}

function declaredEnums(dataSource: DataSource): Map<string, readonly string[]> {
  return new Map(
    dataSource.entityMetadatas
      .flatMap(({ columns }) => columns)
      .flatMap(({ enumName, enum: values }) =>
        enumName === undefined || values === undefined ? [] : [[enumName, values.map(String)]],
      ),
  );
}

function enumDifference(
  name: string,
  declared: readonly string[],
  live: readonly string[] | undefined,
): EnumDifference[] {
  if (live === undefined) {
    const values = declared.map((value) => `'${value}'`).join(', ');
    const mend = `CREATE TYPE ${name} AS ENUM (${values})`;
    return [{ kind: 'enum', name, message: `the enum ${name} does not exist`, mend, additions: [] }];
  }
  if (live.join() === declared.join()) return [];
  const additions = declared.flatMap((value, place) =>
    live.includes(value) ? [] : [addition(name, value, declared[place - 1], live[0])],
  );
  const kept = declared.filter((value) => live.includes(value));
  const onlyAdded = kept.join() === live.join();
  return [
    {
      kind: 'enum',
      name,
      message: `the enum ${name} is ${live.join(', ')}, and declared as ${declared.join(', ')}`,
      mend: onlyAdded
        ? additions.join('; ')
        : 'ALTER TYPE … RENAME VALUE, or a new type: an enum loses no values',
      additions: onlyAdded ? additions : [],
    },
  ];
}

function addition(name: string, value: string, before: string | undefined, first = ''): string {
  const place = before === undefined ? `BEFORE '${first}'` : `AFTER '${before}'`;
  return `ALTER TYPE ${name} ADD VALUE '${value}' ${place}`;
}
