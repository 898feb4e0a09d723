import type { ReportSource } from './report-source';

/** Upkeep that runs just now. */
export interface RunningUpkeep {
  readonly pid: number;
  readonly table: string;
  /** `VACUUM`, `autovacuum`, `ANALYZE`, `CREATE INDEX`, … */
  readonly command: string;
  readonly phase: string;
  /** How much of its phase is done, 0 to 1; null where that phase counts nothing. */
  readonly done: number | null;
  readonly runningMs: number;
}

/**
 * Of the columns of these views only those that PostgreSQL 15 to 18 have in common: 17 counts the dead rows of a vacuum
 * in bytes. Of the work of other roles, autovacuum's included, who lacks pg_read_all_stats sees nothing but the process.
 */
const RUNNING = `
  WITH progress AS (
    SELECT pid, relid, 'VACUUM' AS command, phase,
           CASE phase WHEN 'scanning heap' THEN heap_blks_scanned WHEN 'vacuuming heap' THEN heap_blks_vacuumed
           END::float8 AS part, heap_blks_total AS whole
      FROM pg_stat_progress_vacuum WHERE datname = current_database()
    UNION ALL
    SELECT pid, relid, 'ANALYZE', phase,
           CASE WHEN phase LIKE 'acquiring%' THEN sample_blks_scanned END, sample_blks_total
      FROM pg_stat_progress_analyze WHERE datname = current_database()
    UNION ALL
    SELECT pid, relid, command, phase,
           CASE WHEN blocks_total > 0 THEN blocks_done WHEN tuples_total > 0 THEN tuples_done
                WHEN lockers_total > 0 THEN lockers_done END,
           CASE WHEN blocks_total > 0 THEN blocks_total WHEN tuples_total > 0 THEN tuples_total ELSE lockers_total END
      FROM pg_stat_progress_create_index WHERE datname = current_database()
    UNION ALL
    SELECT pid, relid, command, phase, CASE phase WHEN 'seq scanning heap' THEN heap_blks_scanned END, heap_blks_total
      FROM pg_stat_progress_cluster WHERE datname = current_database())
  SELECT pid, coalesce(p.relid::regclass::text, '(hidden)') AS table, coalesce(phase, 'hidden') AS phase,
         CASE WHEN a.backend_type = 'autovacuum worker' THEN 'auto' || lower(command)
              ELSE coalesce(command, 'upkeep') END AS command,
         (part / nullif(whole, 0))::float8 AS done,
         coalesce(1000 * extract(epoch FROM clock_timestamp() - a.query_start), 0)::float8 AS "runningMs"
    FROM progress p LEFT JOIN pg_stat_activity a USING (pid) ORDER BY "runningMs" DESC, pid`;

/** Vacuums, analyses, index builds and rewrites of this database that run just now, the longest first. */
export const runningUpkeep = (source: ReportSource): Promise<RunningUpkeep[]> =>
  source.query<RunningUpkeep>(RUNNING);
