import { rowsOf, type StatementRunner } from '../indexes/statement-runner';

/**
 * Everything that migrations make, as PostgreSQL writes it; what extensions brought belongs to them. Whether a constraint
 * was validated is left out: nothing takes that back.
 */
const DESCRIPTION = `
  WITH here AS (SELECT to_regnamespace(quote_ident(current_schema())) AS schema),
  relation AS (
    SELECT c.* FROM pg_class c, here
     WHERE relnamespace = schema AND relname NOT IN ('migrations', 'migration_history')
       AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                          AND d.deptype IN ('e', 'a', 'i') AND d.refobjid = ANY (
                            SELECT oid FROM pg_class WHERE relname IN ('migrations', 'migration_history')
                            UNION ALL SELECT oid FROM pg_extension))
  )
  SELECT format('%s %s', CASE relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view'
                  WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence' ELSE 'relation' END, relname) AS line
    FROM relation WHERE relkind NOT IN ('i', 'I')
  UNION ALL
  SELECT format('column %s.%s %s%s%s%s', c.relname, attname, format_type(atttypid, atttypmod),
                CASE WHEN attnotnull THEN ' NOT NULL' END, CASE WHEN attgenerated <> '' THEN ' GENERATED' END,
                ' DEFAULT ' || pg_get_expr(adbin, adrelid))
    FROM relation c JOIN pg_attribute a ON attrelid = c.oid AND attnum > 0 AND NOT attisdropped
    LEFT JOIN pg_attrdef ON adrelid = c.oid AND adnum = attnum
   WHERE c.relkind IN ('r', 'p')
  UNION ALL
  SELECT format('index %s%s', pg_get_indexdef(indexrelid), CASE WHEN NOT indisvalid THEN ' INVALID' END)
    FROM relation c JOIN pg_index ON indrelid = c.oid
  UNION ALL
  SELECT format('constraint %s of %s %s', conname, c.relname,
                regexp_replace(pg_get_constraintdef(k.oid), ' NOT VALID$', ''))
    FROM relation c JOIN pg_constraint k ON conrelid = c.oid WHERE contype <> 'n'
  UNION ALL
  SELECT format('trigger %s', pg_get_triggerdef(t.oid))
    FROM relation c JOIN pg_trigger t ON tgrelid = c.oid WHERE NOT tgisinternal
  UNION ALL
  SELECT format('enum %s %s', typname, (SELECT string_agg(enumlabel, ', ' ORDER BY enumsortorder)
                                          FROM pg_enum WHERE enumtypid = t.oid))
    FROM pg_type t, here WHERE typnamespace = schema AND typtype = 'e'
     AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e')
  UNION ALL
  SELECT format('function %s', pg_get_functiondef(p.oid))
    FROM pg_proc p, here WHERE pronamespace = schema AND prokind IN ('f', 'p')
     AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
   ORDER BY 1`;

/** What a schema holds, a line for each thing: two schemas are the same when their lines are. */
export async function describeSchema(runner: StatementRunner): Promise<string[]> {
  return (await rowsOf<{ line: string }>(runner, DESCRIPTION)).map(({ line }) => line);
}
