import { STATUS_CODES, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { newId } from '../common/id';
import { problemOf } from './problem';
import { BARE_HEADERS, PROBLEM_HEADERS, problemText } from './send-problem';

/** What node says of a connection that cannot be read on, by its code; everything else is no HTTP. */
const STATUS: Record<string, number> = {
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  HPE_HEADER_OVERFLOW: 431,
};
const NO_HTTP = 'The request is not well-formed HTTP, or its method is unknown';

/** So long whoever still sends is listened to: a connection that is cut at once would lose the answer on its way. */
const LINGER_MS = 1_000;

/**
 * Answers what fails before it is a request that Fastify knows of, in the form of all other errors, and ends the
 * connection: nobody can tell where the next request would begin.
 */
export class ClientErrors {
  private readonly latest = new WeakMap<Socket, ServerResponse>();
  private readonly doomed = new WeakSet<Socket>();

  /** To be called before the server listens: it has to be known which requests of a connection have been answered. */
  watch(server: Server): void {
    server.on('request', ({ socket }, response) => this.latest.set(socket, response));
    server.on('checkExpectation', (_request, response) => {
      const { status, headers, body } = problemFor(417);
      response.writeHead(status, headers).end(body);
    });
  }

  /** @param code of the parser (`HPE_…`), the server or the socket */
  answer({ code = '' }: { readonly code?: string }, socket: Socket): void {
    if (code === 'ECONNRESET' || !socket.writable || this.doomed.has(socket)) return;
    this.doomed.add(socket);
    const response = this.latest.get(socket);
    if (response === undefined) return end(socket, answerTo(code));
    if (!response.req.complete) return this.refuseRest(response, socket, code);
    // What cannot be read comes after the latest request, whose answer goes first.
    if (response.writableFinished) end(socket, answerTo(code));
    else response.once('finish', () => end(socket, answerTo(code)));
  }

  /** It is the body of a request that cannot be read: it gets one answer. */
  private refuseRest(response: ServerResponse, socket: Socket, code: string): void {
    const isNext = response.socket === socket && !response.headersSent;
    if (isNext || response.writableFinished) end(socket, isNext ? answerTo(code) : '');
    else socket.destroy();
  }
}

function end(socket: Socket, text: string): void {
  if (!socket.writable) return;
  socket.end(text);
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
}

function answerTo(code: string): string {
  const { status, headers, body } = problemFor(STATUS[code] ?? 400);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}\r\n${body}`;
}

function problemFor(statusCode: number): { status: number; headers: Record<string, string>; body: string } {
  const { problem } = problemOf({ statusCode });
  const requestId = newId();
  const body = problemText(statusCode === 400 ? { ...problem, detail: NO_HTTP } : problem, requestId);
  const headers = {
    ...PROBLEM_HEADERS,
    ...BARE_HEADERS,
    'x-request-id': requestId,
    'content-length': String(Buffer.byteLength(body)),
    date: new Date().toUTCString(),
    connection: 'close',
  };
  return { status: problem.status, headers, body };
}
