import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { loadConfig, readDotEnv, type Config } from './config/config';
import { createApp } from './create-app';
import { ExplainedError } from './database/explained-error';
import { migrate } from './database/schema/migrate';
import { openDatabase, type OpenDatabase } from './database/open-database';
import { DemoLauncher } from './demo-launcher';
import { PinoLogger } from './http/logger';
import { stopSignal } from './stop-signal';

/** How long requests in flight may take when we are told to stop; what still moves then is cut off. */
const GRACE_MS = 5_000;
/** Until then everything but the embedded database has let go of it, or is left behind. */
const CLOSE_MS = 7_500;

/** The market cannot be served; the message is one sentence for whoever starts us. */
class ServerNotStarted extends ExplainedError {}

interface Running {
  readonly app: NestFastifyApplication;
  readonly database: OpenDatabase;
  readonly demo: DemoLauncher;
  readonly logger: PinoLogger;
}

/** Starts everything in order, says when it is ready, and stops everything on SIGTERM or SIGINT. */
export async function startServer(variables: NodeJS.ProcessEnv): Promise<void> {
  const signal = stopSignal();
  readDotEnv();
  const config = loadConfig(variables);
  const logger = PinoLogger.of(config);
  const database = await openDatabase(config, 'server', (sentence) => logger.log(sentence, 'Database'));
  let app: NestFastifyApplication | undefined;
  try {
    const applied = await migrate(database.ownerUrl, database.applicationUrl, {
      onWait: (sentence) => logger.log(sentence, 'Database'),
    });
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
  const running = { app, database, demo, logger };
  void signal.then((name) => stop(running, name));
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
async function stop({ app, database, demo, logger }: Running, signal: NodeJS.Signals): Promise<void> {
  logger.log(`${signal}: finishing what is in flight`, 'Server');
  const cut = setTimeout(() => app.getHttpServer().closeAllConnections(), GRACE_MS);
  cut.unref();
  try {
    await within(
      CLOSE_MS,
      demo.stop().then(() => app.close()),
    );
    await database.close();
    process.exit(0);
  } catch (error) {
    logger.error(error, 'Server');
    process.exit(1);
  }
}

/** Resolves with the work, or after the time. */
async function within(milliseconds: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, milliseconds)));
  await Promise.race([work, late]).finally(() => clearTimeout(timer));
}
