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
