import type { AddressInfo } from 'node:net';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import fastify from 'fastify';
import { AppModule } from '../../src/app.module';
import { loadConfig, type Config } from '../../src/config/config';
import { createApp } from '../../src/create-app';
import type { DatabaseUrls } from '../../src/database/database.module';
import { configureHttp, fastifyAdapter } from '../../src/http/http-app';
import { installRateLimits } from '../../src/rate-limits/install-rate-limits';

/** A server that listens on loopback. */
export interface MeasuredServer {
  readonly port: number;
  close(): Promise<unknown>;
}

/** More than anybody can ask for while it is measured: every request is counted, none refused. */
const NO_LIMIT = { RATE_LIMIT_ENABLED: 'true', RATE_LIMIT_PUBLIC: '1000000', RATE_LIMIT_WINDOW_S: '1' };

/** Of every measured application. */
export const ADMINISTRATOR = {
  email: 'admin@example.org',
  password: 'the administrator of this measurement',
};

/** @param more variables beside those of every measured application */
export const configOf = (urls: DatabaseUrls, dataDir: string, more: Record<string, string> = {}): Config =>
  loadConfig({
    DATABASE_URL: urls.applicationUrl,
    DATABASE_MIGRATION_URL: urls.ownerUrl,
    DATA_DIR: dataDir,
    JWT_SECRET: 'a secret of this measurement, 32 characters or more',
    ADMIN_EMAIL: ADMINISTRATOR.email,
    ADMIN_PASSWORD: ADMINISTRATOR.password,
    ...NO_LIMIT,
    ...more,
  });

/** The application as it is served. */
export async function wholeApplication(config: Config, urls: DatabaseUrls): Promise<MeasuredServer> {
  return listening(await createApp(config, urls, false));
}

/** The same without the hook that answers before Nest's pipeline: what is kept is given out by the interceptor. */
export async function withoutTheHook(config: Config, urls: DatabaseUrls): Promise<MeasuredServer> {
  const app = await NestFactory.create<NestFastifyApplication>(
    AppModule.with(config, urls),
    fastifyAdapter(config),
    { logger: false, abortOnError: false, bodyParser: false },
  );
  await configureHttp(app, config);
  installRateLimits(app);
  return listening(app);
}

async function listening(app: NestFastifyApplication): Promise<MeasuredServer> {
  await app.listen(0, '127.0.0.1');
  const { port } = app.getHttpServer().address() as AddressInfo;
  return { port, close: () => app.close() };
}

/** Made by Node for each answer, whoever gives it. */
const OF_THE_CONNECTION = new Set(['date', 'connection', 'keep-alive', 'content-length']);

/** Fastify and nothing else, answering with the same bytes and headers as this answer. */
export async function bareFastify(path: string, answer: Response): Promise<MeasuredServer> {
  const text = await answer.text();
  const headers = Object.fromEntries([...answer.headers].filter(([name]) => !OF_THE_CONNECTION.has(name)));
  const server = fastify({ keepAliveTimeout: 72_000 });
  server.get(path, (_request, reply) => void reply.headers(headers).send(text));
  await server.listen({ port: 0, host: '127.0.0.1' });
  return { port: (server.server.address() as AddressInfo).port, close: () => server.close() };
}
