import type { ReportSource } from './report-source';

const DAY_MS = 24 * 3_600_000;
/** A week holds every weekday and its jobs; monthly ones are longer than anybody waits. */
export const DAYS_TO_JUDGE = 7;

/** Since when PostgreSQL counts in this database, by its own clock. */
export interface StatisticsStart {
  readonly since: Date;
  readonly now: Date;
}

/**
 * Counts begin with a reset of this database, and with the server's first start or its latest crash, which takes all
 * counts with it: of what is shared the oldest reset shows when that was. Nothing is older than the schema itself.
 */
const START = `
  SELECT clock_timestamp() AS now,
         greatest(d.stats_reset,
                  least(b.stats_reset, a.stats_reset, w.stats_reset,
                        (SELECT min(stats_reset) FROM pg_stat_slru))) AS since
    FROM pg_stat_database d
   CROSS JOIN pg_stat_bgwriter b CROSS JOIN pg_stat_archiver a CROSS JOIN pg_stat_wal w
   WHERE d.datname = current_database()`;
const SCHEMA_SINCE = 'SELECT min(applied_at) AS since FROM migration_history';

/** Asks PostgreSQL since when it counts. */
export async function statisticsStart(source: ReportSource): Promise<StatisticsStart> {
  const [start] = await source.query<{ now: Date; since: Date | null }>(START);
  const [migrated] = await source.query<{ here: boolean }>(
    `SELECT to_regclass('migration_history') IS NOT NULL AS here`,
  );
  const [schema] = migrated?.here === true ? await source.query<{ since: Date | null }>(SCHEMA_SINCE) : [];
  const now = start?.now ?? new Date();
  const times = [start?.since, schema?.since].map((time) => time?.getTime() ?? 0);
  const latest = Math.max(...times);
  return { now, since: latest === 0 ? now : new Date(latest) };
}

/** When what was never used since then may be judged as unused. */
export const judgedFrom = (since: Date): Date => new Date(since.getTime() + DAYS_TO_JUDGE * DAY_MS);

/** Whether counts are old enough to tell that something is never used; a sentence why not where they are not. */
export function tooYoung({ since, now }: StatisticsStart): string | undefined {
  const days = (now.getTime() - since.getTime()) / DAY_MS;
  if (days >= DAYS_TO_JUDGE) return undefined;
  return `Statistics are counted since ${since.toISOString()}, ${age(days)}: nothing is judged as unused before ${DAYS_TO_JUDGE} days`;
}

function age(days: number): string {
  if (days >= 2) return `${Math.floor(days)} days`;
  const hours = Math.floor(days * 24);
  if (hours < 1) return 'less than an hour';
  return hours === 1 ? '1 hour' : `${hours} hours`;
}
