import type { ReportSource } from './report-source';

/** What has to be said where PostgreSQL hides from this role what the sessions of others do; nothing where it does not. */
export async function hiddenActivity(source: ReportSource): Promise<string[]> {
  const [right] = await source.query<{ sees: boolean }>(
    `SELECT pg_has_role('pg_read_all_stats', 'USAGE') AS sees`,
  );
  if (right?.sees === true) return [];
  return [
    'state, times and statements of sessions of other roles are hidden: GRANT pg_monitor TO the role of DATABASE_MIGRATION_URL, or of DATABASE_URL without it',
  ];
}
