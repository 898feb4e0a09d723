import type { ReportSource } from './report-source';

/**
 * Whether a row of pg_stat_activity is the session of a client, as SQL. Of sessions of other roles PostgreSQL shows who
 * lacks pg_read_all_stats only pid, role, database and application: those with a role and a database count as clients,
 * since processes of the server and physical standbys lack one of the two.
 */
export const IS_CLIENT = `(backend_type = 'client backend'
       OR (backend_type IS NULL AND usesysid IS NOT NULL AND datid IS NOT NULL))`;
/** Whether state, times, wait, address and statement of a row of pg_stat_activity are hidden from this role, as SQL. */
export const IS_HIDDEN = 'backend_type IS NULL';

const GRANT = 'GRANT pg_monitor TO the role of DATABASE_MIGRATION_URL, or of DATABASE_URL without it';
/** Why sessions count as hidden, and how to see them. */
export const HIDDEN_ACTIVITY = `state, times and statements of sessions of other roles are hidden: ${GRANT}`;
const HIDDEN_STATEMENTS = `what other roles ask is not counted here, the application's included, since it is hidden: ${GRANT}`;

/** What has to be said where PostgreSQL hides from this role what the sessions of others do; nothing where it does not. */
export const hiddenActivity = (source: Pick<ReportSource, 'query'>): Promise<string[]> =>
  unlessSeen(source, HIDDEN_ACTIVITY);

/** The same of what pg_stat_statements has counted of others. */
export const hiddenStatements = (source: Pick<ReportSource, 'query'>): Promise<string[]> =>
  unlessSeen(source, HIDDEN_STATEMENTS);

async function unlessSeen(source: Pick<ReportSource, 'query'>, note: string): Promise<string[]> {
  const [right] = await source.query<{ sees: boolean }>(
    `SELECT pg_has_role('pg_read_all_stats', 'USAGE') AS sees`,
  );
  return right?.sees === true ? [] : [note];
}
