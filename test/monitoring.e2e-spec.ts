import { startApp, type TestApp } from './support/app';

const metric = (text: string, name: string): string[] =>
  text.split('\n').filter((line) => line.startsWith(name));

describe('what operators see', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp({
      REDIS_URL: process.env['TEST_REDIS_URL'] as string,
      METRICS_TOKEN: 'sixteen characters',
    });
  });
  afterAll(() => app.close());

  it('counts requests by route template, never by URL or user', async () => {
    const person = await app.registers();
    await app.get(`/api/users/${person.id}`, { as: app.admin });
    await app.get('/api/who/knows/what', { as: app.admin });
    const { body } = await app.get('/metrics');
    const lines = metric(body, 'http_request_duration_seconds_count');
    expect(lines.some((line) => line.includes('method="GET",route="/api/users/:id",status="200"'))).toBe(
      true,
    );
    expect(lines.some((line) => line.includes('route="none",status="404"'))).toBe(true);
    expect(body).not.toContain(person.id);
    expect(body).not.toContain('/api/who');
  });

  it('counts statements by operation and table, and cache look-ups by prefix', async () => {
    await app.get('/api/offers');
    const { body } = await app.get('/metrics');
    expect(metric(body, 'database_operations_total{operation="insert",entity="users"}')).toHaveLength(1);
    expect(metric(body, 'cache_operations_total{prefix="offers:active",tier="redis"').length).toBeGreaterThan(
      0,
    );
    for (const state of ['total', 'idle', 'active', 'waiting']) {
      expect(metric(body, `database_connection_pool_size{state="${state}"}`)).toHaveLength(1);
    }
  });

  it('is open to this machine only, unless one has the token', async () => {
    const proxied = { 'x-forwarded-for': '203.0.113.7' };
    expect(await app.get('/metrics', { headers: proxied })).toMatchObject({ status: 401 });
    const withToken = { ...proxied, authorization: 'Bearer sixteen characters' };
    expect(await app.get('/metrics', { headers: withToken })).toMatchObject({ status: 200 });
    expect(
      await app.get('/metrics', { headers: { ...proxied, authorization: 'Bearer sixteen character' } }),
    ).toMatchObject({ status: 401 });
  });

  it('is not there where it is switched off, and the rest works', async () => {
    const uncounted = await startApp({ METRICS_ENABLED: 'false' });
    try {
      expect(await uncounted.get('/metrics')).toMatchObject({ status: 404 });
      expect(await uncounted.get('/api/offers')).toMatchObject({ status: 200 });
    } finally {
      await uncounted.close();
    }
  });

  it('is documented: OpenAPI 3.1 and a page to try it', async () => {
    const { status, body } = await app.get('/docs-json');
    expect(status).toBe(200);
    expect(body.openapi).toMatch(/^3\.1/);
    expect(body.paths['/api/trading/orders'].post.requestBody).toBeDefined();
    expect((await app.get('/docs')).body).toContain('swagger-ui');
  });
});
