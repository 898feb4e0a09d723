import type { CacheEvents } from '../cache/cache-events';
import { currentContext, inContext } from '../common/request-context';
import type { QueryEvents } from '../database/query-events';
import type { JobsService } from '../jobs/jobs.service';
import { statementKind } from '../monitoring/metrics/statement-kind';
import type { Spans } from './spans';

/** A span for each statement, by what it does and to which table: never its text, which is long, nor its values. */
export function traceStatements(events: QueryEvents, tables: ReadonlySet<string>, spans: Spans): void {
  events.subscribe(({ text, seconds, errorCode }) => {
    const trace = currentContext()?.trace;
    if (trace?.sampled !== true) return;
    const { operation, entity } = statementKind(text, tables);
    const verb = operation.toUpperCase();
    spans.add(entity === 'other' ? verb : `${verb} ${entity}`, 'CLIENT', trace, {
      seconds,
      error: errorCode,
      'db.system.name': 'postgresql',
      'db.operation.name': verb,
      ...(entity === 'other' ? {} : { 'db.collection.name': entity }),
      ...(errorCode === undefined ? {} : { 'db.response.status_code': errorCode }),
    });
  });
}

/** A span for each answer that is computed for the cache, and for what goes to and fro between it and Redis. */
export function traceCache(events: CacheEvents, spans: Spans): void {
  events.subscribe((event) => {
    if (event.kind !== 'timed') return;
    const { operation, prefix, seconds } = event;
    const isLoad = operation === 'load';
    spans.add(`cache ${operation} ${prefix}`, isLoad ? 'INTERNAL' : 'CLIENT', currentContext()?.trace, {
      seconds,
      'cache.prefix': prefix,
      ...(isLoad ? {} : { 'db.system.name': 'redis', 'db.operation.name': operation }),
    });
  });
}

/** A trace for each run of a job. */
export function traceJobs(jobs: JobsService, spans: Spans): void {
  jobs.surround(async (name, run) => {
    const work = `job ${name}`;
    const span = spans.begin(work, 'CONSUMER', undefined, { 'job.name': name });
    try {
      await inContext({ work, trace: span.trace }, run);
      span.end();
    } catch (error) {
      span.end(error instanceof Error ? error.name : 'unknown');
      throw error;
    }
  });
}
