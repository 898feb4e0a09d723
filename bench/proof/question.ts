import type { Client } from 'pg';
import type { CatalogueIndex } from '../../src/database/indexes/index-catalogue';

/** An index's question as PostgreSQL can be asked it. */
export interface Question {
  /** With `$1`, `$2` … where values belong. */
  readonly text: string;
  /** The column that each parameter is a value of, in order. */
  readonly columns: readonly string[];
}

/** `:email`, but not the type in `::text`. */
const PARAMETER = /(?<!:):([a-z_]+)/g;

/** Numbers the parameters of a declared question; one that stands there twice is one parameter. */
export function questionOf({ query }: Pick<CatalogueIndex, 'query'>): Question {
  const columns: string[] = [];
  const text = query.replaceAll(PARAMETER, (_, column: string) => {
    if (!columns.includes(column)) columns.push(column);
    return `$${columns.indexOf(column) + 1}`;
  });
  return { text, columns };
}

/** Rows that are drawn to find out what is typical. */
const DRAWN = 99;

/**
 * Values of one real row that the index holds, and that satisfies `sample`: of so many rows drawn evenly the one in the
 * middle, by how many rows share its values. So half of the load is of heavier ones and half of lighter ones. The same
 * data gives the same values.
 * @returns undefined when the table has no such row
 */
export async function typicalValues(
  client: Client,
  { table, where, sample }: Pick<CatalogueIndex, 'table' | 'where' | 'sample'>,
  columns: readonly string[],
): Promise<readonly string[] | undefined> {
  const conditions = [where, sample, ...columns.map((column) => `${column} IS NOT NULL`)].filter(
    (condition) => condition !== undefined,
  );
  const condition = conditions.length === 0 ? 'true' : conditions.map((one) => `(${one})`).join(' AND ');
  const values = `ARRAY[${columns.map((column) => `${column}::text`).join(', ')}]::text[]`;
  const { rows } = await client.query<{ typical: string[] }>(
    `WITH held AS MATERIALIZED (
       SELECT ${values} AS typical, hashtextextended(tableoid::regclass || ctid::text, 0) AS place FROM ${table} WHERE ${condition}),
     drawn AS (SELECT typical, place FROM held ORDER BY place LIMIT ${DRAWN}),
     counted AS (SELECT typical, count(*) AS rows FROM held WHERE typical IN (SELECT typical FROM drawn) GROUP BY typical)
     SELECT typical FROM drawn JOIN counted USING (typical) ORDER BY rows, place
     OFFSET (SELECT (count(*) - 1) / 2 FROM drawn) LIMIT 1`,
  );
  return rows[0]?.typical;
}
