import type { ReportSource } from './report-source';

/** What autovacuum reckons with for a table, and where it comes. */
export interface VacuumNeed {
  readonly table: string;
  /** False where autovacuum leaves the table alone but for wraparound. */
  readonly enabled: boolean;
  readonly nDeadTup: number;
  readonly vacuumAt: number;
  readonly nInsSinceVacuum: number;
  /** Null where inserts alone call for no vacuum. */
  readonly insertVacuumAt: number | null;
  readonly nModSinceAnalyze: number;
  readonly analyzeAt: number;
  readonly lastVacuum: Date | null;
  readonly lastAutovacuum: Date | null;
  readonly lastAnalyze: Date | null;
  readonly lastAutoanalyze: Date | null;
}

/** From here on a maximum bounds the threshold of large tables, and what is frozen does not count for inserts. */
const VERSION_18 = 180_000;

/** A storage parameter of the table, as text; null where it has none of its own. */
const own = (name: string): string =>
  `(SELECT option_value FROM pg_options_to_table(c.reloptions) WHERE option_name = '${name}')`;
/** The table's own, else that of the server. */
const parameter = (name: string): string => `coalesce(${own(name)}, current_setting('${name}'))::float8`;

/** As PostgreSQL's own relation_needs_vacanalyze reckons it (backend/postmaster/autovacuum.c, 24.1.6 of the manual). */
const needSql = (version: number): string => {
  const is18 = version >= VERSION_18;
  const most = is18 ? parameter('autovacuum_vacuum_max_threshold') : '-1';
  const unfrozen = is18 ? '1 - least(1, relallfrozen::float8 / greatest(1, relpages))' : '1';
  return `
  WITH parameters AS (
    SELECT c.oid, greatest(0, c.reltuples)::float8 AS rows, ${is18 ? 'c.relallfrozen' : '0'} AS relallfrozen, c.relpages,
           coalesce(${own('autovacuum_enabled')}, 'true')::boolean AS enabled,
           ${parameter('autovacuum_vacuum_threshold')} AS vacuum_base,
           ${parameter('autovacuum_vacuum_scale_factor')} AS vacuum_scale, ${most} AS vacuum_most,
           ${parameter('autovacuum_vacuum_insert_threshold')} AS insert_base,
           ${parameter('autovacuum_vacuum_insert_scale_factor')} AS insert_scale,
           ${parameter('autovacuum_analyze_threshold')} AS analyze_base,
           ${parameter('autovacuum_analyze_scale_factor')} AS analyze_scale
      FROM pg_class c
     WHERE c.relkind IN ('r', 'm') AND c.relpersistence <> 't'
       AND c.relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)),
  reckoned AS (
    SELECT oid, enabled, vacuum_base + vacuum_scale * rows AS vacuum_at, vacuum_most,
           CASE WHEN insert_base >= 0 THEN insert_base + insert_scale * rows * (${unfrozen}) END AS insert_at,
           analyze_base + analyze_scale * rows AS analyze_at
      FROM parameters)
  SELECT oid::regclass::text AS table, enabled, coalesce(s.n_dead_tup, 0)::float8 AS "nDeadTup",
         CASE WHEN vacuum_most >= 0 THEN least(vacuum_at, vacuum_most) ELSE vacuum_at END AS "vacuumAt",
         coalesce(s.n_ins_since_vacuum, 0)::float8 AS "nInsSinceVacuum", insert_at AS "insertVacuumAt",
         coalesce(s.n_mod_since_analyze, 0)::float8 AS "nModSinceAnalyze", analyze_at AS "analyzeAt",
         s.last_vacuum AS "lastVacuum", s.last_autovacuum AS "lastAutovacuum",
         s.last_analyze AS "lastAnalyze", s.last_autoanalyze AS "lastAutoanalyze"
    FROM reckoned JOIN pg_stat_all_tables s ON s.relid = oid ORDER BY 1`;
};

/** Every table with what calls for a vacuum or an analysis of it, by its own thresholds. */
export const vacuumNeeds = (source: ReportSource): Promise<VacuumNeed[]> =>
  source.query<VacuumNeed>(needSql(source.serverVersion));
