import { DataSource } from 'typeorm';
import type { Environment } from '../../config/environment';
import { RELEASE } from '../../config/release';
import { applicationDataSource } from '../../database/data-source-options';
import type { DatabaseUrls } from '../../database/database.module';
import { ReportDatabase } from '../reports/report-database';
import { judgeAll, reportsOf, roleOf, summaryOf, type ChecklistAnswer } from './checklist';

/** Judges from here, without a server; the boxes that need one say so. */
export async function judgeWithoutServer(
  urls: DatabaseUrls,
  environment: Environment,
): Promise<ChecklistAnswer> {
  const database = new ReportDatabase(urls);
  const application = new DataSource(
    applicationDataSource(urls.applicationUrl, environment, () => undefined),
  );
  try {
    const boxes = await judgeAll({
      ...(await reportsOf(database)),
      environment,
      applicationRole: () => roleOf((text) => opened(application).then((source) => source.query(text))),
      showSetting: (name) => show(application, name),
      server: undefined,
    });
    return {
      asOf: new Date().toISOString(),
      release: RELEASE,
      ofServer: false,
      summary: summaryOf(boxes),
      boxes,
    };
  } finally {
    if (application.isInitialized) await application.destroy();
    await database.onApplicationShutdown();
  }
}

/** On a connection that is opened as those of a server are. */
async function show(application: DataSource, name: string): Promise<string> {
  const source = await opened(application);
  const [row] = await source.query<{ setting: string }[]>('SELECT current_setting($1) AS setting', [name]);
  if (row === undefined) throw new Error(`PostgreSQL has no setting ${name}`);
  return row.setting;
}

const opened = (source: DataSource): Promise<DataSource> =>
  source.isInitialized ? Promise.resolve(source) : source.initialize();
