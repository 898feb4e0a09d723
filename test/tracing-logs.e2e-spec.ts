import { Logger } from '@nestjs/common';
import { ADMIN, startApp, type TestApp } from './support/app';
import { asOwner } from './support/database';
import { LogLines } from './support/log-lines';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';

describe('what the log says of requests', () => {
  let app: TestApp;
  let log: LogLines;
  beforeEach(async () => {
    log = new LogLines();
    app = await startApp({ DB_SLOW_QUERY_MS: '0' }, undefined, log.logger);
  });
  afterEach(async () => {
    await app.close();
    Logger.overrideLogger(false); // what was overridden stays so for whoever comes next in this process
  });

  const failing = (headers: Record<string, string>) =>
    app.get('/api/auth/sessions', { as: app.admin, headers: { 'x-request-id': 'mine-1', ...headers } });
  const breakSessions = () => asOwner(app.urls, 'ALTER TABLE sessions RENAME TO visits');

  it('is told with the request and its trace when one fails, and shows the caller the request alone', async () => {
    await breakSessions();
    const answer = await failing({ traceparent: `00-${TRACE}-${SPAN}-01` });

    expect(answer).toMatchObject({ status: 500, body: { code: 'INTERNAL_ERROR', requestId: 'mine-1' } });
    expect(JSON.stringify(answer.body)).not.toContain(TRACE);
    expect(log.of('Request')).toEqual([
      expect.objectContaining({
        work: 'GET /api/auth/sessions',
        requestId: 'mine-1',
        trace_id: TRACE,
        span_id: SPAN,
        err: expect.objectContaining({ code: '42P01', stack: expect.stringContaining('at ') }),
      }),
    ]);
  });

  it('takes a broken trace for none', async () => {
    await breakSessions();
    await failing({ traceparent: `00-${TRACE}-${'0'.repeat(16)}-01` });
    expect(log.of('Request')).toEqual([expect.objectContaining({ requestId: 'mine-1' })]);
    expect(log.lines.join()).not.toContain(TRACE);
  });

  it('is told of statements too', async () => {
    await app.get('/api/auth/sessions', {
      as: app.admin,
      headers: { 'x-request-id': 'mine-2', traceparent: `00-${TRACE}-${SPAN}-01` },
    });
    expect(log.of('SlowQuery')).toContainEqual(
      expect.objectContaining({ requestId: 'mine-2', trace_id: TRACE, work: 'GET /api/auth/sessions' }),
    );
  });

  it('never holds a secret of whoever asks', async () => {
    await breakSessions();
    const { status } = await app.post('/api/auth/login', {
      body: { identifier: ADMIN.email, password: ADMIN.password },
      headers: { cookie: 'session=of-somebody-else' },
    });
    expect(status).toBe(500);
    await failing({ cookie: 'session=of-somebody-else' });

    const said = log.lines.join();
    expect(log.of('Request').length).toBeGreaterThanOrEqual(2);
    const { password } = new URL(app.urls.applicationUrl);
    for (const secret of [
      ADMIN.password,
      app.admin.token,
      app.admin.refreshToken,
      'of-somebody-else',
      `:${password}@`,
    ])
      expect(said).not.toContain(secret);
  });
});
