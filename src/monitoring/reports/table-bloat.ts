import type { ReportSource } from './report-source';

/** What a table takes, and what of it holds nothing. */
export interface TableBloat {
  readonly oid: string;
  /** Of the rows alone, without TOAST and maps. */
  readonly bytes: number;
  /** What a rewrite would give back; null where the planner has no statistics. */
  readonly bloatBytes: number | null;
  /** What an exact look has to read: pages that are not known to be visible to everybody. */
  readonly bytesToRead: number;
}

/** Of a table that says nothing else, pages are filled up. */
const FILL_FACTOR = `coalesce((SELECT option_value::float8 FROM pg_options_to_table(c.reloptions)
                                WHERE option_name = 'fillfactor'), 100)`;

/**
 * Rows are those that count as live, once an analysis or a vacuum has counted them; the planner's number is as old as its
 * statistics, and all there is after a crash. A page has a header of 24 bytes; a row a line pointer of 4, a header of 23 with a bit for each column where some are
 * null, and its values, both rounded up to a multiple of 8 (PostgreSQL: 65.6 Database Page Layout). What alignment costs
 * between columns is not counted.
 */
const ESTIMATE = `
  SELECT c.oid::text AS oid, size.bytes,
         CASE WHEN live.rows = 0 THEN size.bytes
              WHEN live.rows > 0 AND width.known = width.columns THEN
                greatest(0, size.bytes - size.block * ceil(live.rows
                  * (4 + 8 * ceil((23 + width.null_bits / 8) / 8) + 8 * ceil(width.bytes / 8))
                  / ((size.block - 24) * ${FILL_FACTOR} / 100)))
         END AS "bloatBytes",
         size.block * greatest(0, ceil(size.bytes / size.block) - c.relallvisible) AS "bytesToRead"
    FROM pg_class c
   CROSS JOIN LATERAL (
     SELECT CASE WHEN num_nonnulls(pg_stat_get_last_analyze_time(c.oid), pg_stat_get_last_autoanalyze_time(c.oid),
                                   pg_stat_get_last_vacuum_time(c.oid), pg_stat_get_last_autovacuum_time(c.oid)) > 0
                 THEN pg_stat_get_live_tuples(c.oid) ELSE c.reltuples END::float8 AS rows) AS live
   CROSS JOIN LATERAL (SELECT current_setting('block_size')::float8 AS block,
                              pg_relation_size(c.oid)::float8 AS bytes) AS size
   CROSS JOIN LATERAL (
     SELECT count(*) AS columns, count(s.attname) AS known, coalesce(sum(s.avg_width * (1 - s.null_frac)), 0)::float8 AS bytes,
            CASE WHEN max(s.null_frac) > 0 THEN count(*) ELSE 0 END::float8 AS null_bits
       FROM pg_attribute a
       LEFT JOIN pg_stats s ON s.schemaname = c.relnamespace::regnamespace::text AND s.tablename = c.relname
                           AND s.attname = a.attname AND NOT s.inherited
      WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS width
   WHERE c.oid = ANY ($1::oid[]) AND size.bytes IS NOT NULL`;

/** What the planner's statistics say about these tables. */
export const estimateTableBloat = (source: ReportSource, oids: readonly string[]): Promise<TableBloat[]> =>
  source.query<TableBloat>(ESTIMATE, [oids]);

/**
 * What dead rows and free space take, by a look at every page that is not known to be visible to everybody; what is
 * left free by the table's own fill factor is no bloat.
 * @param schema the one that pgstattuple is installed in, quoted
 */
export async function exactTableBloat(
  source: ReportSource,
  schema: string,
  oid: string,
): Promise<number | undefined> {
  const [row] = await source.query<{ bloat: number | null }>(
    `SELECT greatest(0, s.dead_tuple_len + s.approx_free_space - s.table_len * (1 - ${FILL_FACTOR} / 100))::float8 AS bloat
       FROM pg_class c CROSS JOIN LATERAL ${schema}.pgstattuple_approx(c.oid::regclass) AS s WHERE c.oid = $1::oid`,
    [oid],
  );
  return row?.bloat ?? undefined;
}
