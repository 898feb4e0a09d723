import { once } from 'node:events';
import type { Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { startApp, type TestApp } from './support/app';

interface RawAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: any;
}

const get = (path: string, ...headers: string[]): string =>
  [`GET ${path} HTTP/1.1`, 'host: localhost', ...headers, '', ''].join('\r\n');
const post = (path: string, headers: readonly string[], body: string): string =>
  [`POST ${path} HTTP/1.1`, 'host: localhost', 'transfer-encoding: chunked', ...headers, '', body].join(
    '\r\n',
  );
const BAD_CHUNK = '2\r\n{"\r\nno size\r\n';

describe('what is no request that can be read', () => {
  let app: TestApp;
  const logged: unknown[] = [];
  beforeAll(async () => {
    const hear = (...line: unknown[]) => {
      if (line.at(-1) === 'Request') logged.push(line);
    };
    const logger = { log: () => undefined, warn: hear, error: hear, fatal: hear };
    app = await startApp({}, undefined, logger);
  });
  afterAll(async () => {
    await app.close();
    expect(logged).toEqual([]);
  });

  const server = (): Server => app.nest.getHttpServer();
  const opened = (): Socket => connect((server().address() as AddressInfo).port, '127.0.0.1');

  /** All that the server answers until it ends the connection; bytes are written as Latin-1. */
  async function answersTo(bytes: string, socket = opened()): Promise<RawAnswer[]> {
    const received: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => received.push(chunk));
    socket.on('error', () => undefined); // a reset, where the server has waited long enough for the rest
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.write(bytes, 'latin1');
    await closed;
    return parsed(Buffer.concat(received).toString());
  }

  it.each([
    ['a byte of no character in the URL', get('/api/\xff'), 400, 'MALFORMED_REQUEST'],
    ['NUL in the URL', get('/api/\0'), 400, 'MALFORMED_REQUEST'],
    ['a method that does not exist', 'FOO / HTTP/1.1\r\nhost: localhost\r\n\r\n', 400, 'MALFORMED_REQUEST'],
    ['something else than HTTP', '\x16\x03\x01\x02\0', 400, 'MALFORMED_REQUEST'],
    ['two lengths', post('/api/auth/login', ['content-length: 3'], ''), 400, 'MALFORMED_REQUEST'],
    [
      'a malformed body',
      post('/api/auth/login', ['content-type: application/json'], BAD_CHUNK),
      400,
      'MALFORMED_REQUEST',
    ],
    ['no host', 'GET /health HTTP/1.1\r\nconnection: close\r\n\r\n', 400, 'MALFORMED_REQUEST'],
    ['a malformed escape', get('/api/%E0%A4%A', 'connection: close'), 400, 'MALFORMED_REQUEST'],
    ['a URL past all bounds', get(`/${'u'.repeat(1_000_000)}`), 431, 'HEADERS_TOO_LARGE'],
    [
      'headers past all bounds',
      get('/health', `x-large: ${'h'.repeat(1_000_000)}`),
      431,
      'HEADERS_TOO_LARGE',
    ],
    ['an unknown expectation', get('/health', 'expect: a miracle'), 417, 'EXPECTATION_UNKNOWN'],
  ])('is answered like every other error, and nothing else is: %s', async (_what, bytes, status, code) => {
    const answers = await answersTo(bytes);
    expect(answers).toHaveLength(1);
    const [{ headers, body, ...answer }] = answers as [RawAnswer];
    expect(answer.status).toBe(status);
    expect(Object.fromEntries(headers)).toMatchObject({
      'content-type': 'application/problem+json; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      connection: 'close',
    });
    expect(body).toEqual({
      type: 'about:blank',
      title: expect.stringMatching(/\w/),
      status,
      code,
      detail: expect.stringMatching(/\w/),
      requestId: headers.get('x-request-id'),
    });
  });

  it('is answered after what came before it', async () => {
    const [alive, malformed, ...more] = await answersTo(get('/health/live') + 'FOO / HTTP/1.1\r\n\r\n');
    expect(alive).toMatchObject({ status: 200, body: { status: 'ok' } });
    expect(malformed).toMatchObject({ status: 400, body: { code: 'MALFORMED_REQUEST' } });
    expect(more).toEqual([]);
  });

  it('gets no second answer where the request has had one', async () => {
    const socket = opened();
    const answered = once(socket, 'data');
    const answers = answersTo(post('/api/nothing-here', [], ''), socket);
    await answered;
    socket.write(BAD_CHUNK);
    expect(await answers).toMatchObject([{ status: 404, body: { code: 'ROUTE_NOT_FOUND' } }]);
  });

  it('ends an upload that is under way, and nothing else', async () => {
    const headers = ['content-type: text/csv', `authorization: Bearer ${app.admin.token}`];
    const [answer] = await answersTo(post('/api/meters/readings', headers, BAD_CHUNK));
    expect(answer).toMatchObject({ status: 400, body: { code: 'MALFORMED_REQUEST' } });
    expect((await app.get('/health/live')).status).toBe(200);
  });

  it('is 408 when it does not arrive in time', async () => {
    const accepted = once(server(), 'connection') as Promise<[Socket]>;
    const answers = answersTo('GET /health HTT');
    const [socket] = await accepted;
    const late = Object.assign(new Error('Request timeout'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' });
    server().emit('clientError', late, socket);
    expect(await answers).toMatchObject([{ status: 408, body: { code: 'REQUEST_TIMEOUT' } }]);
  });

  it('is nothing to talk about when the client has gone', async () => {
    const accepted = once(server(), 'connection') as Promise<[Socket]>;
    const client = opened();
    client.write('GET /health HTT');
    const [socket] = await accepted;
    const gone = new Promise((resolve) => socket.once('close', resolve)); // the reset is an error of the socket as well
    client.resetAndDestroy();
    await gone;
    expect((await app.get('/health/live')).status).toBe(200);
  });
});

/** Each answer tells its length, or comes in chunks of which the first is all. */
function parsed(text: string): RawAnswer[] {
  const end = text.indexOf('\r\n\r\n');
  if (end === -1) return [];
  const [first = '', ...lines] = text.slice(0, end).split('\r\n');
  const headers = new Headers(
    lines.map((line): [string, string] => {
      const [name = '', ...value] = line.split(': ');
      return [name, value.join(': ')];
    }),
  );
  const rest = text.slice(end + 4);
  const length = Number(headers.get('content-length') ?? rest.length);
  const body = rest.slice(0, length);
  const answer = {
    status: Number(first.split(' ')[1]),
    headers,
    body: body.startsWith('{') ? JSON.parse(body) : body,
  };
  return [answer, ...parsed(rest.slice(length))];
}
