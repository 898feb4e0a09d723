import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';
import { ApiClient, type ApiOptions } from './api-client';
import { ApiProblem, ServerUnreachable, Stopped } from './api-problem';

type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => void;

const answer = z.object({ ok: z.boolean() });

describe('the API client', () => {
  let server: Server;
  let url: string;
  let handler: Handler;
  let pauses: number[];

  const client = (options: Partial<ApiOptions> = {}): ApiClient =>
    new ApiClient({
      url,
      pause: (milliseconds) => Promise.resolve(pauses.push(milliseconds)),
      ...options,
    });
  const json = (response: ServerResponse, status: number, body: unknown, headers = {}): void => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  };

  beforeEach(async () => {
    pauses = [];
    server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => handler(request, response, Buffer.concat(chunks).toString('utf8')));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  it('waits as long as Retry-After says before it tries again', async () => {
    let tries = 0;
    handler = (_request, response) =>
      tries++ < 2
        ? json(response, tries === 1 ? 429 : 503, {}, { 'retry-after': '3' })
        : json(response, 200, { ok: true });
    await expect(client().get('/x', answer)).resolves.toEqual({ ok: true });
    expect(pauses).toEqual([3000, 3000]);
  });

  it('understands a Retry-After date', async () => {
    let tries = 0;
    const date = new Date(Date.now() + 55_000).toUTCString();
    handler = (_request, response) =>
      tries++ < 1 ? json(response, 503, {}, { 'retry-after': date }) : json(response, 200, { ok: true });
    await client().get('/x', answer);
    expect(pauses).toHaveLength(1);
    expect(pauses[0]).toBeGreaterThan(25_000); // on a busy machine too
    expect(pauses[0]).toBeLessThanOrEqual(55_000);
  });

  it('does not sit out more than a minute: whoever waits is told instead', async () => {
    handler = (_request, response) =>
      json(
        response,
        429,
        { code: 'LOCKED_OUT', detail: 'Too many wrong passwords' },
        { 'retry-after': '900' },
      );
    await expect(client().get('/x', answer)).rejects.toThrow('Too many wrong passwords (429 LOCKED_OUT)');
    expect(pauses).toEqual([]);
  });

  it('gives up after a bounded number of tries, with the last refusal', async () => {
    let tries = 0;
    handler = (_request, response) => {
      tries++;
      json(response, 429, { code: 'TOO_MANY_REQUESTS', detail: 'Slow down' }, { 'retry-after': '1' });
    };
    await expect(client().get('/x', answer)).rejects.toThrow(
      'GET /x was refused: Slow down (429 TOO_MANY_REQUESTS)',
    );
    expect(tries).toBe(8);
  });

  it('names every wrong field of a refusal', async () => {
    handler = (_request, response) =>
      json(response, 400, {
        code: 'INVALID_INPUT',
        detail: 'x',
        errors: [{ field: 'email', detail: 'is no address' }],
      });
    const refusal = await client()
      .post('/x', {}, answer)
      .catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(ApiProblem);
    expect(refusal).toMatchObject({ status: 400, code: 'INVALID_INPUT', detail: 'email is no address' });
  });

  it('logs in when it is first needed, and once more when the token has run out', async () => {
    const tokens = ['old', 'new'];
    const seen: (string | undefined)[] = [];
    handler = (request, response) => {
      seen.push(request.headers.authorization);
      if (request.headers.authorization === 'Bearer old')
        json(response, 401, { code: 'UNAUTHENTICATED', detail: 'x' });
      else json(response, 200, { ok: true });
    };
    const user = client().as(() => Promise.resolve(tokens.shift() ?? 'none'));
    await user.get('/x', answer);
    await user.get('/x', answer);
    expect(seen).toEqual(['Bearer old', 'Bearer new', 'Bearer new']);
  });

  it('sends the same request again after a lost connection, body included', async () => {
    const bodies: string[] = [];
    handler = (request, response, body) => {
      bodies.push(body);
      if (bodies.length === 1) request.socket.destroy();
      else json(response, 200, { ok: true });
    };
    await client().post('/x', { amount: '1.000' }, answer);
    expect(bodies).toEqual(['{"amount":"1.000"}', '{"amount":"1.000"}']);
  });

  it('streams an upload from its beginning at each try', async () => {
    const bodies: string[] = [];
    handler = (_request, response, body) => {
      bodies.push(body);
      json(response, bodies.length === 1 ? 503 : 200, { ok: true }, { 'retry-after': '0' });
    };
    await client().uploadCsv('/x', () => [Buffer.from('a,b\n'), Buffer.from('1,2\n')], answer);
    expect(bodies).toEqual(['a,b\n1,2\n', 'a,b\n1,2\n']);
  });

  it('reads a list to its end', async () => {
    handler = (request, response) => {
      const cursor = new URL(request.url ?? '', url).searchParams.get('cursor');
      json(
        response,
        200,
        cursor === null ? { items: [1, 2], nextCursor: 'a b' } : { items: [cursor], nextCursor: null },
      );
    };
    const page = z.object({
      items: z.array(z.union([z.number(), z.string()])),
      nextCursor: z.string().nullable(),
    });
    const items: (string | number)[] = [];
    for await (const some of client().pages('/list?kind=x', page)) items.push(...some);
    expect(items).toEqual([1, 2, 'a b']);
  });

  it('says where no server answers, and what to do', async () => {
    await new Promise((resolve) => server.close(resolve));
    await expect(client().get('/x', answer)).rejects.toThrow(
      `No server answers at ${url} (ECONNREFUSED): start one with "npm start", or name another with --url`,
    );
    expect(pauses).toHaveLength(3);
  });

  it('does not wait for ever for an answer', async () => {
    handler = () => undefined;
    const refusal = await client({ timeoutMs: 50 })
      .get('/x', answer)
      .catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(ServerUnreachable);
    expect(String(refusal)).toContain('did not answer GET /x in time');
  });

  it('stops at once when it is told to', async () => {
    const stop = new AbortController();
    handler = () => stop.abort();
    await expect(client({ signal: stop.signal }).get('/x', answer)).rejects.toThrow(Stopped);
  });

  it('doubts a server that answers in another form', async () => {
    handler = (_request, response) => json(response, 200, { hello: 'world' });
    await expect(client().get('/x', answer)).rejects.toThrow('is it a server of this release?');
  });
});
