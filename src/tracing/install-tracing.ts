import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DataSource } from 'typeorm';
import { CacheEvents } from '../cache/cache-events';
import { keepContexts } from '../common/request-context';
import { QueryEvents } from '../database/query-events';
import { JobsService } from '../jobs/jobs.service';
import { traceRequests } from './request-spans';
import type { Spans } from './spans';
import { SPANS } from './tracing.module';
import { traceCache, traceJobs, traceStatements } from './work-spans';

/** Begins a span for everything that is worth one. Where no traces are kept, nothing is hooked into anything. */
export function installTracing(app: NestFastifyApplication): void {
  const spans = app.get<Spans | undefined>(SPANS);
  if (spans === undefined) return;
  keepContexts();
  traceRequests(app.getHttpAdapter().getInstance(), spans);
  const tables = app.get(DataSource).entityMetadatas.map(({ tableName }) => tableName);
  traceStatements(app.get(QueryEvents), new Set(tables), spans);
  traceCache(app.get(CacheEvents), spans);
  traceJobs(app.get(JobsService), spans);
}
