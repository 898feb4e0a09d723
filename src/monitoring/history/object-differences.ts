import { counterStep } from './counter-step';

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

/** So long a VACUUM FULL may keep everyone else out: what no snapshot of a longer time has seen was not there. */
const LONGEST_LOCK = '1 hour';

/**
 * What was counted between two snapshots, `$1` and `$2`, and how much the sizes grew, by `whole`. Counters are added up
 * step by step: where one went down, PostgreSQL had lost it, and it counts from zero. What is not there at the beginning has
 * grown from nothing. What somebody kept everyone out of at the first snapshot of a day has no row of that day until he is
 * done: there its last row of the days before stands; and where there is none, it is left out unless the history is old
 * enough to know that it was not there.
 */
export function differencesOf({ table, part, counters, sizes }: Snapshots): string {
  const columns = Object.values(counters);
  const counted = columns.join(', ');
  const grown = Object.keys(sizes).map(quoted);
  const kept = `${part}, whole_name, taken_at, ${counted}, ${grown.join(', ')}`;
  const read = `${part}, whole_name, taken_at, ${counted}, ${Object.entries(sizes)
    .map(([name, sql]) => `${sql} AS ${quoted(name)}`)
    .join(', ')}`;
  const dayOf = (at: string): string => `date_trunc('day', ${at}::timestamptz, 'UTC')`;
  // The last row of each up to a moment: a day's partition holds all of them, but what was locked.
  const standing = (at: string): string => `
    SELECT DISTINCT ON (${part}) ${read} FROM ${table} WHERE taken_at >= ${dayOf(at)} AND taken_at <= ${at}
     ORDER BY ${part}, taken_at DESC`;
  const lastOf = (parts: string, at: string): string => `
    SELECT ${prefixed(kept, 'l')} FROM (${parts}) AS p
     CROSS JOIN LATERAL (SELECT ${read} FROM ${table} s
                          WHERE s.${part} = p.${part} AND s.taken_at <= ${at}
                          ORDER BY s.taken_at DESC LIMIT 1) AS l`;
  const total = (name: string): string =>
    `coalesce(sum(${name}) FILTER (WHERE NOT is_start), 0)::float8 AS ${name}`;
  return `
  WITH came AS NOT MATERIALIZED (
    SELECT ${part}, whole_name, taken_at, ${counted} FROM ${table} WHERE taken_at > $1 AND taken_at <= $2),
  first AS MATERIALIZED (${standing('$1')}),
  newcomer AS MATERIALIZED (
    SELECT DISTINCT ${part} FROM came c WHERE NOT EXISTS (SELECT FROM first f WHERE f.${part} = c.${part})),
  before AS MATERIALIZED (
    SELECT ${kept} FROM first
    UNION ALL
    ${lastOf(`SELECT ${part} FROM newcomer`, '$1')}),
  known AS MATERIALIZED (
    SELECT ${part} FROM before
    UNION
    SELECT ${part} FROM newcomer
     WHERE (SELECT min(taken_at) FROM server_snapshots) <= $1::timestamptz - interval '${LONGEST_LOCK}'),
  last AS MATERIALIZED (${standing('$2')}),
  after AS MATERIALIZED (
    SELECT ${kept} FROM last
    UNION ALL
    ${lastOf(
      `SELECT ${part} FROM known WHERE to_regclass(quote_ident(${part})) IS NOT NULL
       EXCEPT SELECT ${part} FROM last`,
      '$2',
    )}),
  seen AS (
    SELECT ${part}, whole_name, taken_at, true AS is_start, ${counted} FROM before
    UNION ALL
    SELECT ${part}, whole_name, taken_at, false, ${counted} FROM came),
  step AS (
    SELECT whole_name, is_start, ${columns.map(counterStep).join(', ')}
      FROM seen s WHERE EXISTS (SELECT FROM known k WHERE k.${part} = s.${part})
    WINDOW w AS (PARTITION BY ${part} ORDER BY taken_at)),
  done AS (SELECT whole_name, ${columns.map(total).join(', ')} FROM step GROUP BY whole_name),
  grown AS (
    SELECT whole_name, ${grown.map((name) => `sum(${name})::float8 AS ${name}`).join(', ')}
      FROM (SELECT whole_name, ${grown.join(', ')} FROM after a
             WHERE EXISTS (SELECT FROM known k WHERE k.${part} = a.${part})
            UNION ALL SELECT whole_name, ${grown.map((name) => `-${name}`).join(', ')} FROM before) AS size
     GROUP BY whole_name)
  SELECT d.whole_name AS whole, ${Object.entries(counters)
    .map(([name, column]) => `d.${column} AS ${quoted(name)}`)
    .join(', ')},
         ${grown.map((name) => `g.${name}`).join(', ')}
    FROM done d JOIN grown g ON g.whole_name = d.whole_name`;
}

const prefixed = (columns: string, alias: string): string =>
  columns
    .split(', ')
    .map((column) => `${alias}.${column}`)
    .join(', ');

const quoted = (name: string): string => `"${name}"`;
