import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { loadConfig, readDotEnv, type Config } from './config/config';
import { createApp } from './create-app';
import { migrate } from './database/migrate';
import { DemoLauncher } from './demo-launcher';
import { openDatabase, type OpenDatabase } from './database/open-database';
import { PinoLogger } from './http/logger';

const SHUTDOWN_DEADLINE_MS = 9_000;

/** The market cannot be served; the message is one sentence for whoever starts us. */
export class ServerNotStarted extends Error {}

/** Starts everything in order, says when it is ready, and stops everything on SIGTERM or SIGINT. */
export async function startServer(variables: NodeJS.ProcessEnv): Promise<void> {
  readDotEnv();
  const config = loadConfig(variables);
  const logger = PinoLogger.of(config);
  const database = await openDatabase(config, 'server', (sentence) => logger.log(sentence, 'Database'));
  let app: NestFastifyApplication | undefined;
  try {
    const applied = await migrate(database.ownerUrl, database.applicationUrl);
    if (applied.length > 0) logger.log(`Applied ${applied.length} migrations`, 'Database');
    app = await createApp(config, database, logger);
    await listen(app, config);
  } catch (error) {
    await app?.close().catch(() => undefined);
    await database.close();
    throw error;
  }
  const url = await app.getUrl();
  const demo = new DemoLauncher(app, config);
  stopOnSignal(app, database, demo, logger);
  process.stdout.write(`listening on ${url}\n`);
  await demo.fillWhenEmpty(url).catch((error: unknown) => logger.error(error, 'Demo'));
}

async function listen(app: NestFastifyApplication, { environment: { HOST, PORT } }: Config): Promise<void> {
  try {
    await app.listen(PORT, HOST);
  } catch (error) {
    const { code } = error as { code?: string };
    const reasons: Record<string, string> = {
      EADDRINUSE: `Port ${PORT} on ${HOST} is taken: stop what listens there, or choose another PORT`,
      EACCES: `Port ${PORT} on ${HOST} may not be opened by this user: choose a PORT above 1023`,
      EADDRNOTAVAIL: `HOST ${HOST} is not an address of this machine: choose 127.0.0.1 or 0.0.0.0`,
      ENOTFOUND: `HOST ${HOST} is not known: choose 127.0.0.1 or 0.0.0.0`,
    };
    const reason = reasons[code ?? ''];
    throw reason === undefined ? error : new ServerNotStarted(reason);
  }
}

/** Requests in flight are finished, then the database is stopped, in that order. */
function stopOnSignal(
  app: NestFastifyApplication,
  database: OpenDatabase,
  demo: DemoLauncher,
  logger: PinoLogger,
): void {
  let stopping = false;
  const stop = (signal: NodeJS.Signals): void => {
    if (stopping) return;
    stopping = true;
    logger.log(`${signal}: finishing what is in flight`, 'Server');
    const overdue = setTimeout(() => process.exit(1), SHUTDOWN_DEADLINE_MS);
    overdue.unref();
    demo.stop();
    void app
      .close()
      .then(() => database.close())
      .then(
        () => process.exit(0),
        (error: unknown) => {
          logger.error(error, 'Server');
          process.exit(1);
        },
      );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}
