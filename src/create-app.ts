import type { LoggerService } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { describeApi } from './api-documentation/describe-api';
import { AppModule } from './app.module';
import { installHttpCache } from './cache/http/install-http-cache';
import type { Config } from './config/config';
import type { DatabaseUrls } from './database/database.module';
import { configureHttp, fastifyAdapter } from './http/http-app';
import { HttpMetrics } from './monitoring/metrics/http-metrics';
import { installRateLimits } from './rate-limits/install-rate-limits';
import { installTracing } from './tracing/install-tracing';

/** The application, ready to listen, on a database that is migrated. */
export async function createApp(
  config: Config,
  urls: DatabaseUrls,
  logger: LoggerService | false,
): Promise<NestFastifyApplication> {
  const app = await NestFactory.create<NestFastifyApplication>(
    AppModule.with(config, urls),
    fastifyAdapter(config),
    {
      logger,
      abortOnError: false,
      bodyParser: false, // Fastify's own reads JSON; forms are not ours to read
    },
  );
  if (config.environment.METRICS_ENABLED) app.get(HttpMetrics).watch(app.getHttpAdapter().getInstance());
  await configureHttp(app, config);
  installTracing(app);
  installRateLimits(app);
  installHttpCache(app);
  describeApi(app);
  return app;
}
