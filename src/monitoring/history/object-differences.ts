/** Snapshots of tables or indexes, each a part of a whole where it is partitioned. */
interface Snapshots {
  readonly table: string;
  /** The column that names the part. */
  readonly part: string;
  /** Columns that only grow, until PostgreSQL loses them, by the name under which they are answered. */
  readonly counters: Readonly<Record<string, string>>;
  /** What stands at a moment, as SQL over a snapshot, by the name under which its growth is answered. */
  readonly sizes: Readonly<Record<string, string>>;
}

/**
 * What was counted between two snapshots, `$1` and `$2`, and how much the sizes grew, by `whole`. Counters are added up
 * step by step: where one went down, PostgreSQL had lost it, and it counts from zero. What is not there at the beginning has
 * grown from nothing.
 */
export function differencesOf({ table, part, counters, sizes }: Snapshots): string {
  const columns = Object.values(counters);
  const counted = columns.join(', ');
  const grown = Object.keys(sizes).map(quoted);
  // The last row of each up to a moment: a day's partition holds all of them.
  const standing = (at: string): string => `
    SELECT DISTINCT ON (${part}) ${part}, whole_name, taken_at, ${counted},
           ${Object.entries(sizes)
             .map(([name, sql]) => `${sql} AS ${quoted(name)}`)
             .join(', ')}
      FROM ${table} WHERE taken_at >= date_trunc('day', ${at}::timestamptz, 'UTC') AND taken_at <= ${at}
     ORDER BY ${part}, taken_at DESC`;
  const step = (name: string): string =>
    `${name} - CASE WHEN ${name} >= lag(${name}) OVER w THEN lag(${name}) OVER w ELSE 0 END AS ${name}`;
  const total = (name: string): string =>
    `coalesce(sum(${name}) FILTER (WHERE NOT is_start), 0)::float8 AS ${name}`;
  return `
  WITH before AS MATERIALIZED (${standing('$1')}), after AS MATERIALIZED (${standing('$2')}),
  seen AS (
    SELECT ${part}, whole_name, taken_at, true AS is_start, ${counted} FROM before
    UNION ALL
    SELECT ${part}, whole_name, taken_at, false, ${counted}
      FROM ${table} WHERE taken_at > $1 AND taken_at <= $2),
  step AS (
    SELECT whole_name, is_start, ${columns.map(step).join(', ')}
      FROM seen WINDOW w AS (PARTITION BY ${part} ORDER BY taken_at)),
  done AS (SELECT whole_name, ${columns.map(total).join(', ')} FROM step GROUP BY whole_name),
  grown AS (
    SELECT whole_name, ${grown.map((name) => `sum(${name})::float8 AS ${name}`).join(', ')}
      FROM (SELECT whole_name, ${grown.join(', ')} FROM after
            UNION ALL SELECT whole_name, ${grown.map((name) => `-${name}`).join(', ')} FROM before) AS size
     GROUP BY whole_name)
  SELECT d.whole_name AS whole, ${Object.entries(counters)
    .map(([name, column]) => `d.${column} AS ${quoted(name)}`)
    .join(', ')},
         ${grown.map((name) => `g.${name}`).join(', ')}
    FROM done d JOIN grown g ON g.whole_name = d.whole_name`;
}

const quoted = (name: string): string => `"${name}"`;
