import type { FastifyInstance, FastifyReply } from 'fastify';
import { traceContextOf } from '../common/trace-context';
import type { TracedRequest } from '../http/request-work';
import type { OpenSpan, Spans } from './spans';

/**
 * A span for each request, below that of the caller who sent one: by method and the route's template (OpenTelemetry's
 * conventions for HTTP servers), and never by the URL. To be called before whatever answers ahead of Nest's pipeline.
 */
export function traceRequests(fastify: FastifyInstance, spans: Spans): void {
  fastify.decorateRequest('trace');
  fastify.addHook('onRequest', (request: TracedRequest, reply, done) => {
    const span = begin(request, spans);
    request.trace = span.trace;
    // Also of a request whose caller went away: Fastify's onResponse knows of answers alone.
    reply.raw.once('close', () => end(span, reply));
    done();
  });
}

function begin(request: TracedRequest, spans: Spans): OpenSpan {
  const route = request.is404 ? undefined : request.routeOptions.url;
  const caller = traceContextOf(request.headers['traceparent']);
  return spans.begin(
    route === undefined ? request.method : `${request.method} ${route}`,
    'SERVER',
    caller && { ...caller, isRemote: true },
    {
      'http.request.method': request.method,
      'url.scheme': request.protocol,
      ...(route === undefined ? {} : { 'http.route': route }),
    },
  );
}

function end(span: OpenSpan, { raw }: FastifyReply): void {
  if (!raw.headersSent) return span.end('aborted');
  const status = { 'http.response.status_code': raw.statusCode };
  // A refusal is the caller's mistake, and no error of ours.
  span.end(raw.statusCode >= 500 ? String(raw.statusCode) : undefined, status);
}
