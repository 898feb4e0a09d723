import { IS_CLIENT, IS_HIDDEN } from '../reports/seen-activity';
import { SEQUENCES } from '../reports/sequences.report';

/** What PostgreSQL says of itself, for metrics. */
export interface ServerFigures {
  /** Share of blocks of tables that were found in PostgreSQL's memory; null before anything was read. */
  readonly hitRatio: number | null;
  readonly bytes: number;
  readonly deadRows: Readonly<Record<string, number>>;
  /** How much of the 2^31 transactions until wraparound the oldest row has used up. */
  readonly wraparoundShare: number;
  /** Of the sequence that is nearest to its end; null where there is none. Those that begin again never end. */
  readonly sequenceShare: number | null;
  readonly invalidIndexes: number;
  /** By state; `hidden` are those whose state this role may not see. */
  readonly connections: Readonly<Record<string, number>>;
  /** Null where the states of others are hidden. */
  readonly idleInTransactionSeconds: number | null;
}

/** How many there are, by state. */
export interface JobFigures {
  readonly jobs: Readonly<Record<string, number>>;
}

export const SERVER_FIGURES = `
SELECT (SELECT sum(heap_blks_hit)::float8 / nullif(sum(heap_blks_hit) + sum(heap_blks_read), 0)
          FROM pg_statio_user_tables) AS "hitRatio",
       pg_database_size(current_database())::float8 AS bytes,
       (SELECT coalesce(jsonb_object_agg(name, dead), '{}')
          FROM (SELECT root.name, sum(n_dead_tup) AS dead
                  FROM pg_stat_user_tables AS s
                 CROSS JOIN LATERAL (SELECT coalesce(pg_partition_root(s.relid), s.relid)::regclass::text AS name) AS root
                 WHERE s.schemaname = current_schema() GROUP BY 1) AS by_table) AS "deadRows",
       (SELECT max(age(datfrozenxid))::float8 / 2147483648 FROM pg_database) AS "wraparoundShare",
       (SELECT max(used) FROM (${SEQUENCES}) AS sequence WHERE NOT cycles) AS "sequenceShare",
       (SELECT count(*)::int FROM pg_index WHERE NOT indisvalid) AS "invalidIndexes",
       (SELECT coalesce(jsonb_object_agg(state, number), '{}')
          FROM (SELECT CASE WHEN ${IS_HIDDEN} THEN 'hidden' ELSE coalesce(state, 'unknown') END AS state,
                       count(*) AS number
                  FROM pg_stat_activity WHERE ${IS_CLIENT} GROUP BY 1) AS by_state) AS connections,
       (SELECT coalesce(max(extract(epoch FROM clock_timestamp() - state_change))
                          FILTER (WHERE state LIKE 'idle in transaction%'),
                        CASE WHEN count(*) FILTER (WHERE ${IS_HIDDEN}) = 0 THEN 0 END)::float8
          FROM pg_stat_activity WHERE ${IS_CLIENT}) AS "idleInTransactionSeconds"`;

/** Those that are over are left out: they are many, and kept for a while. Whoever serves has made their tables. */
export const JOB_FIGURES = `
SELECT coalesce(jsonb_object_agg(state, number), '{}') AS jobs
  FROM (SELECT state::text, count(*) AS number FROM pgboss.job
         WHERE state IN ('created', 'retry', 'active', 'failed') GROUP BY 1) AS by_state`;
