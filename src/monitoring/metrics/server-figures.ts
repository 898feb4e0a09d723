import type { ReportDatabase } from '../reports/report-database';

/** What PostgreSQL says of itself, for metrics. */
export interface ServerFigures {
  /** Share of blocks of tables that were found in PostgreSQL's memory; null before anything was read. */
  readonly hitRatio: number | null;
  readonly bytes: number;
  readonly deadRows: Readonly<Record<string, number>>;
  /** How much of the 2^31 transactions until wraparound the oldest row has used up. */
  readonly wraparoundShare: number;
  /** Of the sequence that is nearest to its end; null where there is none. */
  readonly sequenceShare: number | null;
  readonly invalidIndexes: number;
  readonly connections: Readonly<Record<string, number>>;
  readonly idleInTransactionSeconds: number;
  readonly jobs: Readonly<Record<string, number>>;
}

/** Of jobs those that are over are left out: they are many, and kept for a while. Whoever serves has made their tables. */
const FIGURES = `
SELECT (SELECT sum(heap_blks_hit)::float8 / nullif(sum(heap_blks_hit) + sum(heap_blks_read), 0)
          FROM pg_statio_user_tables) AS "hitRatio",
       pg_database_size(current_database())::float8 AS bytes,
       (SELECT coalesce(jsonb_object_agg(name, dead), '{}')
          FROM (SELECT root.name, sum(n_dead_tup) AS dead
                  FROM pg_stat_user_tables AS s
                 CROSS JOIN LATERAL (SELECT coalesce(pg_partition_root(s.relid), s.relid)::regclass::text AS name) AS root
                 WHERE s.schemaname = current_schema() GROUP BY 1) AS by_table) AS "deadRows",
       (SELECT max(age(datfrozenxid))::float8 / 2147483648 FROM pg_database) AS "wraparoundShare",
       (SELECT max(last_value::float8 / max_value) FROM pg_sequences WHERE increment_by > 0) AS "sequenceShare",
       (SELECT count(*)::int FROM pg_index WHERE NOT indisvalid) AS "invalidIndexes",
       (SELECT coalesce(jsonb_object_agg(state, number), '{}')
          FROM (SELECT coalesce(state, 'unknown') AS state, count(*) AS number FROM pg_stat_activity
                 WHERE backend_type = 'client backend' GROUP BY 1) AS by_state) AS connections,
       (SELECT coalesce(max(extract(epoch FROM clock_timestamp() - state_change)), 0)::float8
          FROM pg_stat_activity WHERE state LIKE 'idle in transaction%') AS "idleInTransactionSeconds",
       (SELECT coalesce(jsonb_object_agg(state, number), '{}')
          FROM (SELECT state::text, count(*) AS number FROM pgboss.job
                 WHERE state IN ('created', 'retry', 'active', 'failed') GROUP BY 1) AS by_state) AS jobs`;

export async function readServerFigures(database: ReportDatabase): Promise<ServerFigures | undefined> {
  const [figures] = await database.query<ServerFigures>(FIGURES);
  return figures;
}
