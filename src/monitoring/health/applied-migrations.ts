import { numberOf } from '../../database/schema/known-migrations';
import { migrationFiles } from '../../database/schema/migration-files';
import { sqlState } from '../../database/query-events';
import type { HealthDatabase } from './health-database';
import { SqlState } from '../../database/sql-states';

/**
 * Titles of the migrations of this code that the database lacks, because they were taken back or it is another database.
 * What a newer release has applied does not count: it is made so that the older one can go on beside it.
 * @throws when the database does not answer
 */
export async function missingMigrations(database: HealthDatabase): Promise<string[]> {
  const [needed, applied] = await Promise.all([migrationFiles(), appliedNumbers(database)]);
  return [...needed].flatMap(([number, title]) => (applied.has(number) ? [] : [title]));
}

async function appliedNumbers(database: HealthDatabase): Promise<ReadonlySet<number>> {
  try {
    const rows = await database.probeQuery<{ name: string }>('SELECT name FROM migrations');
    return new Set(rows.map(({ name }) => numberOf(name)));
  } catch (error) {
    if (sqlState(error) !== SqlState.UNDEFINED_TABLE) throw error;
    return new Set(); // nothing was ever migrated here
  }
}
