import { DataSource } from 'typeorm';
import { loadConfig } from '../../src/config/config';
import { applicationDataSource } from '../../src/database/data-source-options';
import { DatabaseService } from '../../src/database/database.service';
import { QueryEvents } from '../../src/database/query-events';
import { Replicas } from '../../src/database/replicas';

/** The application's way to a database, without the application. Whoever opens it closes it. */
export async function openDatabaseService(
  url: string,
  variables: Record<string, string> = {},
): Promise<{ database: DatabaseService; close: () => Promise<void> }> {
  const config = loadConfig({
    DATABASE_URL: url,
    JWT_SECRET: 'a secret of tests only, 32 characters or more',
    ...variables,
  });
  const options = applicationDataSource(url, config.environment, () => undefined);
  const source = await new DataSource(options).initialize();
  const database = new DatabaseService(source, new QueryEvents(), new Replicas(config, source));
  return { database, close: () => source.destroy() };
}
