import type { Client } from 'pg';

/** What tells whether an index answers everything that another one answers. */
export interface IndexShape {
  readonly name: string;
  readonly table: string;
  readonly method: string;
  /** As PostgreSQL writes it; undefined for an index of every row. */
  readonly predicate: string | undefined;
  readonly unique: boolean;
  /** Expressions with their operator classes and collations. */
  readonly keys: readonly string[];
  /** Of each key, whether it goes downwards, and where nulls are. */
  readonly options: readonly number[];
  readonly included: readonly string[];
}

/** Every index of the schema, those of constraints too; of a partitioned table its own. */
export async function indexShapes(client: Client): Promise<IndexShape[]> {
  const { rows } = await client.query<Omit<IndexShape, 'predicate'> & { predicate: string | null }>(
    `SELECT c.relname AS name, t.relname AS table, am.amname AS method, pg_get_expr(i.indpred, i.indrelid) AS predicate,
            i.indisunique OR i.indisexclusion AS unique,
            ARRAY(SELECT pg_get_indexdef(i.indexrelid, k, true) || ' ' || i.indclass[k - 1] || ' ' || i.indcollation[k - 1]
                    FROM generate_series(1, i.indnkeyatts) AS k ORDER BY k) AS keys,
            ARRAY(SELECT i.indoption[k - 1]::integer FROM generate_series(1, i.indnkeyatts) AS k ORDER BY k) AS options,
            ARRAY(SELECT pg_get_indexdef(i.indexrelid, k, true)
                    FROM generate_series(i.indnkeyatts + 1, i.indnatts) AS k ORDER BY k) AS included
       FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid JOIN pg_am am ON am.oid = c.relam
      WHERE t.relnamespace = current_schema()::regnamespace AND NOT t.relispartition
      ORDER BY c.relname`,
  );
  return rows.map(({ predicate, ...shape }) => ({ ...shape, predicate: predicate ?? undefined }));
}

/**
 * The index that makes another one superfluous, if there is one: of the same method and rows, it begins with the same
 * keys in the same order, forwards or backwards, and carries along as much. A unique index that nothing else holds
 * unique is never superfluous.
 */
export function repeatedBy(index: IndexShape, others: readonly IndexShape[]): IndexShape | undefined {
  return others.find(
    (other) =>
      other.name !== index.name &&
      other.table === index.table &&
      other.method === index.method &&
      other.predicate === index.predicate &&
      beginsWith(other, index) &&
      (!index.unique || (other.unique && other.keys.length === index.keys.length)) &&
      index.included.every((column) => carries(other, column)) &&
      (isMore(other, index) || other.name < index.name),
  );
}

/** Whether an index answers more than one that it repeats. Of two that are the same one has to stay. */
const isMore = (index: IndexShape, other: IndexShape): boolean =>
  index.keys.length > other.keys.length ||
  index.included.length > other.included.length ||
  (index.unique && !other.unique);

const REVERSED = 3;

function beginsWith(longer: IndexShape, shorter: IndexShape): boolean {
  if (shorter.keys.length > longer.keys.length) return false;
  if (!shorter.keys.every((key, place) => key === longer.keys[place])) return false;
  const same = shorter.options.every((option, place) => option === longer.options[place]);
  // Down with nulls first (3) is up with nulls last (0), read from the other end.
  const reversed = shorter.options.every(
    (option, place) => ((option ^ REVERSED) & REVERSED) === longer.options[place],
  );
  return same || reversed;
}

const carries = ({ keys, included }: IndexShape, column: string): boolean =>
  included.includes(column) || keys.some((key) => key.startsWith(`${column} `));
