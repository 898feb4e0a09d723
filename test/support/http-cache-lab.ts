import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { AppModule } from '../../src/app.module';
import { CacheService } from '../../src/cache/cache.service';
import { installHttpCache } from '../../src/cache/http/install-http-cache';
import { loadConfig } from '../../src/config/config';
import type { DatabaseUrls } from '../../src/database/database.module';
import { configureHttp, fastifyAdapter } from '../../src/http/http-app';
import { ADMIN, PATIENT_REDIS_MS, TestApp } from './app';
import { until } from './eventually';

interface LabOptions {
  readonly urls: DatabaseUrls;
  readonly variables?: Record<string, string>;
  /** Without it everything kept is given out by the interceptor. */
  readonly withHook?: boolean;
}

/** The application with a controller of a test's own, listening on loopback. */
export async function startWith(controller: Type, { urls, variables, withHook = true }: LabOptions) {
  const dataDir = mkdtempSync(join(tmpdir(), 'gridtokenx-lab-'));
  const config = loadConfig({
    DATABASE_URL: urls.applicationUrl,
    DATABASE_MIGRATION_URL: urls.ownerUrl,
    DATA_DIR: dataDir,
    JWT_SECRET: 'a secret of tests only, 32 characters or more',
    ADMIN_EMAIL: ADMIN.email,
    ADMIN_PASSWORD: ADMIN.password,
    DB_POOL_MIN: '1',
    RATE_LIMIT_ENABLED: 'false',
    REDIS_COMMAND_TIMEOUT_MS: PATIENT_REDIS_MS,
    ...variables,
  });
  class LabModule {}
  Module({ imports: [AppModule.with(config, urls)], controllers: [controller] })(LabModule);
  const nest = await NestFactory.create<NestFastifyApplication>(LabModule, fastifyAdapter(config), {
    logger: false,
    abortOnError: false,
    bodyParser: false,
  });
  await configureHttp(nest, config);
  if (withHook) installHttpCache(nest);
  try {
    await nest.listen(0, '127.0.0.1');
    // A start waits a second for the cache: on a machine that stands still meanwhile answers would not be kept at first.
    await until(() => nest.get(CacheService).isAnswering());
  } catch (error) {
    await nest.close();
    rmSync(dataDir, { recursive: true, force: true });
    throw error;
  }
  return new TestApp(nest, urls, dataDir, await nest.getUrl(), false);
}
