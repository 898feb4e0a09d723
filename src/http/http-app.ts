import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { DomainError } from '../common/domain-error';
import { inContext } from '../common/request-context';
import type { Config } from '../config/config';
import { ClientErrors } from './client-errors';
import { ProblemFilter } from './problem.filter';
import { problemOf } from './problem';
import { requestId } from './request-id';
import { workOf } from './request-work';
import { securityHeaders } from './security-headers';
import { BARE_HEADERS, sendProblem } from './send-problem';
import { validationPipe } from './validation';

/** Types of body that are read as a stream by the routes that take them, past the body limit. */
const STREAMED = ['text/csv', 'application/x-ndjson'];

/** Fastify as every process of ours runs it. */
export function fastifyAdapter({ environment }: Config): FastifyAdapter {
  const clientErrors = new ClientErrors();
  const adapter = new FastifyAdapter({
    bodyLimit: environment.BODY_LIMIT_BYTES,
    genReqId: requestId,
    trustProxy: trustProxy(environment.TRUST_PROXY),
    routerOptions: { maxParamLength: 200 },
    http: { requireHostHeader: false }, // we refuse it ourselves, in our own form
    // An upload may take as long as it goes on; a socket on which nothing moves is ended. Headers have node's minute.
    requestTimeout: 0,
    connectionTimeout: 120_000,
    // Longer than load balancers and clients keep one that is idle (a minute, mostly): whoever ends a connection first must be
    // the one who sends, or a request meets a connection that has just been ended.
    keepAliveTimeout: 72_000,
    forceCloseConnections: 'idle',
    // While we close, connections that are still open are served and then ended: nobody is turned away half-way.
    return503OnClosing: false,
    // What fails before a route is found (a malformed URL, say) answers in the same form as everything else.
    frameworkErrors: (error: unknown, request: FastifyRequest, reply: FastifyReply) =>
      sendProblem(reply.headers(BARE_HEADERS).header('x-request-id', request.id), problemOf(error)),
    clientErrorHandler: (error, socket) => clientErrors.answer(error, socket),
  });
  clientErrors.watch(adapter.getInstance().server);
  return adapter;
}

/** Everything between the socket and the controllers: headers, CORS, streamed bodies, validation, errors. */
export async function configureHttp(app: NestFastifyApplication, { environment }: Config): Promise<void> {
  if (environment.CORS_ORIGINS.length > 0) {
    app.enableCors({
      origin: environment.CORS_ORIGINS,
      methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
      allowedHeaders: ['authorization', 'content-type', 'idempotency-key', 'x-request-id', 'traceparent'],
      exposedHeaders: [
        'x-request-id',
        'x-cache',
        'etag',
        'age',
        'retry-after',
        'x-ratelimit-limit',
        'x-ratelimit-remaining',
        'x-ratelimit-reset',
      ],
      maxAge: 600,
    });
  }
  const fastify = app.getHttpAdapter().getInstance();
  fastify.removeContentTypeParser('text/plain');
  fastify.addContentTypeParser(STREAMED, (_request, payload, done) => done(null, payload));
  const headers = await securityHeaders();
  fastify.addHook('onRequest', (request, reply, done) => {
    void reply.headers(headers).header('x-request-id', request.id);
    forgetTypeOfNoBody(request.headers);
    done(refusalOf(request));
  });
  endConnectionsOnClose(fastify);
  // Not earlier: what is done while a body arrives is done for the socket, not for the request.
  fastify.addHook('preHandler', (request, _reply, done) => inContext(workOf(request), done));
  app.useGlobalPipes(validationPipe());
  app.useGlobalFilters(new ProblemFilter());
}

/**
 * Fastify tells clients to let go of their connection where a request comes while it closes. One that was there before
 * has to be told as well, or its connection stays open until it is cut.
 */
function endConnectionsOnClose(fastify: FastifyInstance): void {
  let isClosing = false;
  fastify.addHook('preClose', (done) => {
    isClosing = true;
    done();
  });
  fastify.addHook('onSend', (_request, reply, payload, done) => {
    if (isClosing) void reply.header('connection', 'close');
    done(null, payload);
  });
}

const UNSUPPORTED = Object.assign(new Error('The body is compressed'), { statusCode: 415 });

/** RFC 9112, 3.2: such a request has to be refused. */
class NoHost extends DomainError {
  readonly code = 'MALFORMED_REQUEST';
  readonly kind = 'invalid';
  constructor() {
    super('A request of HTTP/1.1 has to name its host: send a Host header');
  }
}

function refusalOf({ headers, raw }: FastifyRequest): Error | undefined {
  if (headers.host === undefined && raw.httpVersion === '1.1') return new NoHost();
  // What is compressed would be taken for broken text.
  const { 'content-encoding': encoding = 'identity' } = headers;
  return encoding.toLowerCase() === 'identity' ? undefined : UNSUPPORTED;
}

/** Many clients call everything JSON, also where they send nothing: that is no body, not a malformed one. */
function forgetTypeOfNoBody(headers: FastifyRequest['headers']): void {
  const sendsNothing = headers['transfer-encoding'] === undefined && !Number(headers['content-length'] ?? 0);
  if (sendsNothing && headers['content-type']?.startsWith('application/json')) delete headers['content-type'];
}

/** TRUST_PROXY: `true`, a number of hops, or a list of addresses; unset trusts nobody. */
function trustProxy(
  setting: string | undefined,
): boolean | string | ((address: string, hop: number) => boolean) {
  if (setting === undefined || setting === 'false') return false;
  if (setting === 'true') return true;
  const hops = Number(setting);
  return Number.isInteger(hops) ? (_address, hop) => hop < hops : setting;
}
