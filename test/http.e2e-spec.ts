import { request } from 'node:http';
import { startApp, type TestApp } from './support/app';

describe('every answer', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp({
      CORS_ORIGINS: 'https://console.example.org',
      METRICS_TOKEN: 'sixteen characters',
    });
  });
  afterAll(() => app.close());

  it('carries a request id: the given one, or a new one', async () => {
    expect(
      (await app.get('/health/live', { headers: { 'x-request-id': 'mine-1' } })).headers.get('x-request-id'),
    ).toBe('mine-1');
    const made = (
      await app.get('/health/live', { headers: { 'x-request-id': 'not fit\tto log' } })
    ).headers.get('x-request-id');
    expect(made).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('carries security headers', async () => {
    const { headers } = await app.get('/health/live');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('content-security-policy')).toContain("default-src 'self'");
    expect(headers.get('x-powered-by')).toBeNull();
  });

  it('lets only listed origins in', async () => {
    const preflight = (origin: string) =>
      app.request('OPTIONS', '/api/offers', { headers: { origin, 'access-control-request-method': 'GET' } });
    expect((await preflight('https://console.example.org')).headers.get('access-control-allow-origin')).toBe(
      'https://console.example.org',
    );
    expect(
      (await preflight('https://evil.example.org')).headers.get('access-control-allow-origin'),
    ).toBeNull();
  });

  it('is a problem document when something is wrong', async () => {
    const missing = await app.get('/api/nothing-here', { as: app.admin });
    expect(missing.headers.get('content-type')).toContain('application/problem+json');
    expect(missing.body).toMatchObject({
      status: 404,
      code: 'ROUTE_NOT_FOUND',
      requestId: missing.headers.get('x-request-id'),
    });
    const malformed = await app.post('/api/auth/login', {
      body: '{"identifier":',
      headers: { 'content-type': 'application/json' },
    });
    expect(malformed).toMatchObject({ status: 400, body: { code: 'MALFORMED_REQUEST' } });
    const large = JSON.stringify({ identifier: 'x'.repeat(1_100_000), password: 'y' });
    expect(
      await app.post('/api/auth/login', { body: large, headers: { 'content-type': 'application/json' } }),
    ).toMatchObject({ status: 413 });
    expect(
      await app.post('/api/auth/login', { body: '<a/>', headers: { 'content-type': 'text/xml' } }),
    ).toMatchObject({ status: 415 });
  });

  it('refuses bodies that it does not read: forms, plain text, compressed ones', async () => {
    const headers: Record<string, string>[] = [
      { 'content-type': 'application/x-www-form-urlencoded' },
      { 'content-type': 'text/plain' },
      { 'content-type': 'application/json', 'content-encoding': 'gzip' },
      { 'content-type': 'text/csv', 'content-encoding': 'br' },
    ];
    for (const each of headers) {
      const answer = await app.post('/api/auth/login', { body: '{}', headers: each });
      expect(answer).toMatchObject({ status: 415, body: { title: 'Unsupported Media Type' } });
    }
  });

  it('takes a body that is not there for none, whatever it is called', async () => {
    const json = { 'content-type': 'application/json' };
    const person = await app.registers();
    expect((await app.post('/api/auth/logout', { as: person, body: '', headers: json })).status).toBe(204);
    const again = await app.logsIn(person.email, person.password);
    expect((await app.delete('/api/auth/sessions', { as: again, headers: json })).status).toBe(204);
    const nothing = await app.post('/api/auth/login', { body: '', headers: json });
    expect(nothing).toMatchObject({ status: 400, body: { code: 'INVALID_INPUT' } });
  });

  it('takes no body for one without fields: where all may be left out, and where some are missing', async () => {
    const person = await app.registers();
    const unknown = await app.post('/api/admin/db/queries/1/explain', { as: app.admin });
    expect(unknown).toMatchObject({ status: 404, body: { code: 'STATEMENT_NOT_FOUND' } });
    expect((await app.patch('/api/users/me', { as: person })).status).toBe(200);
    expect((await app.post('/api/meters/mint', { as: person })).status).toBe(200);
    expect((await app.delete('/api/users/me', { as: person })).status).toBe(204);
    const { status, body } = await app.post('/api/auth/login');
    expect([status, body.errors.map(({ field }: { field: string }) => field)]).toEqual([
      400,
      ['identifier', 'password'],
    ]);
    const list = await app.post('/api/auth/logout', { body: [] });
    expect(list).toMatchObject({ status: 400, body: { code: 'INVALID_INPUT' } });
  });

  it('says which field holds what is no text', async () => {
    for (const name of ['a\0b', 'a\ud800b', 'a\udc00b']) {
      const { status, body } = await app.post('/api/organizations', { as: app.admin, body: { name } });
      expect([status, body.code, body.errors?.[0]?.field]).toEqual([400, 'INVALID_INPUT', 'name']);
    }
    const emoji = await app.post('/api/organizations', { as: app.admin, body: { name: 'Sun \u{1f31e}' } });
    expect(emoji).toMatchObject({ status: 201, body: { name: 'Sun \u{1f31e}' } });
    expect(await app.get('/api/admin/audit?action=%00', { as: app.admin })).toMatchObject({
      status: 400,
      body: { errors: [{ field: 'action' }] },
    });
  });

  it('finds no thing under a key of any form, and refuses what is no key', async () => {
    const user = (id: string) => app.get(`/api/users/${id}`, { as: app.admin });
    for (const id of ['11111111-1111-1111-1111-111111111111', '00000000-0000-0000-0000-000000000001'])
      expect(await user(id)).toMatchObject({ status: 404, body: { code: 'USER_NOT_FOUND' } });
    expect(await user(app.admin.id.toUpperCase())).toMatchObject({ status: 200, body: { id: app.admin.id } });
    expect(await user('1')).toMatchObject({ status: 400, body: { code: 'INVALID_INPUT' } });
    expect(await user('1'.repeat(300))).toMatchObject({ status: 414, body: { code: 'URL_TOO_LONG' } });
  });

  it('keeps its form for a URL that cannot be read', async () => {
    const { status, body } = await raw(app.url, '/api/%E0%A4%A');
    expect(status).toBe(400);
    expect(JSON.parse(body)).toMatchObject({ status: 400, code: 'MALFORMED_REQUEST' });
  });

  it('is denied without a token on every route that is not public', async () => {
    const { body: document } = await app.get('/docs-json');
    const open = new Set(PUBLIC);
    const answers: string[] = [];
    for (const [path, methods] of Object.entries<object>(document.paths)) {
      for (const method of Object.keys(methods)) {
        const route = `${method.toUpperCase()} ${path}`;
        if (open.has(route)) continue;
        const { status } = await app.request(
          method.toUpperCase(),
          path.replace(/\{\w+\}/g, '0190a0b0-0000-7000-8000-000000000001'),
        );
        if (status !== 401) answers.push(`${route} answered ${status}`);
      }
    }
    expect(answers).toEqual([]);
  });
});

/** Routes that api.md opens to everybody; every other one of the OpenAPI document wants a token. */
const PUBLIC = [
  'GET /health',
  'GET /health/live',
  'GET /health/ready',
  'GET /metrics',
  'POST /api/auth/register',
  'POST /api/auth/login',
  'POST /api/auth/refresh',
  'POST /api/auth/logout',
  'POST /api/auth/verify-email',
  'POST /api/auth/resend-verification',
  'POST /api/auth/password/forgot',
  'POST /api/auth/password/reset',
  'POST /api/auth/wallet/challenge',
  'POST /api/auth/wallet/login',
  'GET /api/trading/markets',
  'GET /api/trading/markets/{market}',
  'GET /api/trading/orderbook/{market}',
  'GET /api/trading/trades',
  'GET /api/offers',
  'GET /api/offers/{id}',
  'GET /api/certificates/{certificateId}',
];

function raw(url: string, path: string): Promise<{ status: number; body: string }> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, path }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => (body += chunk.toString()));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    sent.on('error', reject);
    sent.end();
  });
}
