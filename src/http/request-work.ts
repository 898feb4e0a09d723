import type { FastifyRequest } from 'fastify';
import type { WorkContext } from '../common/request-context';
import { traceContextOf, type TraceContext } from '../common/trace-context';

/** A request with the span that was begun for it, where traces are kept. */
export type TracedRequest = FastifyRequest & { trace?: TraceContext | undefined };

/** What the log calls a request by: never its URL. */
export function workOf(request: TracedRequest): WorkContext {
  return {
    work: `${request.method} ${request.routeOptions.url ?? '-'}`,
    requestId: request.id,
    trace: request.trace ?? traceContextOf(request.headers['traceparent']),
  };
}
