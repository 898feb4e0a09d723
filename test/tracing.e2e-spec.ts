import { randomUUID } from 'node:crypto';
import { Logger } from '@nestjs/common';
import { SPANS } from '../src/tracing/tracing.module';
import { startApp, type TestApp } from './support/app';
import { asOwner } from './support/database';
import { until } from './support/eventually';
import { VACANT_PORT } from './support/free-port';
import { LogLines } from './support/log-lines';
import { TraceCollector, type CollectedSpan } from './support/trace-collector';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';

describe('traces', () => {
  let collector: TraceCollector;
  let app: TestApp;
  let log: LogLines;
  beforeEach(async () => {
    collector = await TraceCollector.start();
    log = new LogLines();
    app = await startApp({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url }, undefined, log.logger);
  });
  afterEach(async () => {
    await app.close();
    await collector.stop();
    Logger.overrideLogger(false); // what was overridden stays so for whoever comes next in this process
  });

  const calls = (path: string, traceparent?: string) =>
    app.get(path, { as: app.admin, headers: traceparent === undefined ? {} : { traceparent } });
  /** Ending the application sends what has not been sent. */
  const spansOf = async (traceId: string): Promise<CollectedSpan[]> => {
    await app.close();
    return collector.spans.filter((span) => span.traceId === traceId);
  };

  it('go on from the caller to the request and from there to its statements', async () => {
    expect((await calls('/api/auth/sessions', `00-${TRACE}-${SPAN}-01`)).status).toBe(200);
    const spans = await spansOf(TRACE);

    const request = spans.find(({ parentSpanId }) => parentSpanId === SPAN);
    expect(request).toMatchObject({
      name: 'GET /api/auth/sessions',
      isError: false,
      attributes: {
        'http.request.method': 'GET',
        'http.route': '/api/auth/sessions',
        'http.response.status_code': 200,
        'url.scheme': 'http',
      },
    });
    const statements = spans.filter(({ parentSpanId }) => parentSpanId === request?.spanId);
    expect(statements).toContainEqual(
      expect.objectContaining({
        name: 'SELECT sessions',
        attributes: {
          'db.system.name': 'postgresql',
          'db.operation.name': 'SELECT',
          'db.collection.name': 'sessions',
        },
      }),
    );
    for (const { startedAt, endedAt } of statements) {
      expect(startedAt).toBeGreaterThanOrEqual(request?.startedAt as bigint);
      expect(endedAt).toBeLessThanOrEqual(request?.endedAt as bigint);
    }
    expect([...collector.paths]).toEqual(['/v1/traces']);
    expect(collector.resource).toMatchObject({ 'service.name': 'gridtokenx' });
  });

  it('begin here where nobody sent one, and not where somebody keeps none', async () => {
    await calls('/api/auth/sessions');
    await calls('/api/auth/sessions', `00-${TRACE}-${SPAN}-00`);
    await calls('/api/auth/sessions', 'broken');

    expect(await spansOf(TRACE)).toEqual([]);
    const roots = collector.spans.filter(({ name }) => name === 'GET /api/auth/sessions');
    expect(roots).toHaveLength(2);
    for (const { parentSpanId } of roots) expect(parentSpanId ?? '').toBe('');
  });

  it('tell errors of ours from mistakes of the caller, and name no URL, user, value or text of a statement', async () => {
    const id = randomUUID();
    await calls(`/api/users/${id}?limit=none-of-yours`);
    await calls(`/who/knows/${id}`);
    await asOwner(app.urls, 'ALTER TABLE sessions RENAME TO visits');
    await calls('/api/auth/sessions', `00-${TRACE}-${SPAN}-01`);
    const failed = await spansOf(TRACE);

    expect(failed).toContainEqual(
      expect.objectContaining({
        name: 'GET /api/auth/sessions',
        isError: true,
        attributes: expect.objectContaining({ 'http.response.status_code': 500, 'error.type': '500' }),
      }),
    );
    expect(failed).toContainEqual(
      expect.objectContaining({
        isError: true,
        attributes: expect.objectContaining({ 'db.response.status_code': '42P01', 'error.type': '42P01' }),
      }),
    );
    expect(collector.spans).toContainEqual(
      expect.objectContaining({
        name: 'GET /api/users/:id',
        isError: false,
        attributes: expect.objectContaining({ 'http.response.status_code': 404 }),
      }),
    );
    expect(collector.spans).toContainEqual(expect.objectContaining({ name: 'GET', isError: false }));
    for (const secret of [id, 'none-of-yours', app.admin.id, app.admin.email, 'WHERE', '$1'])
      expect(collector.bodies.join()).not.toContain(secret);
    const [line] = log.of('Request');
    const request = failed.find(({ name }) => name === 'GET /api/auth/sessions');
    expect(line).toMatchObject({ trace_id: TRACE, span_id: request?.spanId });
  });

  it('show what the cache computed, and answers that it gave before the pipeline', async () => {
    await calls('/api/offers', `00-${TRACE}-${SPAN}-01`);
    const kept = await calls('/api/offers', `00-${TRACE}-${SPAN}-01`);
    expect(kept.headers.get('x-cache')).toBe('HIT');
    const spans = await spansOf(TRACE);

    const requests = spans.filter(({ name }) => name === 'GET /api/offers');
    expect(requests).toHaveLength(2);
    const loads = spans.filter(({ name }) => name === 'cache load offers:active');
    expect(loads).toHaveLength(1);
    expect(requests.map(({ spanId }) => spanId)).toContain(loads[0]?.parentSpanId);
  });

  it('show what jobs do', async () => {
    const { email } = await app.registers();
    await app.post('/api/auth/password/forgot', { body: { email } });
    await until(async () => {
      const sql = `SELECT name FROM pgboss.job WHERE state = 'completed' AND name LIKE 'mail%'`;
      return (await asOwner(app.urls, sql)).length > 0;
    });
    await app.close();

    expect(collector.spans).toContainEqual(
      expect.objectContaining({
        name: expect.stringMatching(/^job mail/),
        isError: false,
        attributes: { 'job.name': expect.stringMatching(/^mail/) },
      }),
    );
    expect(collector.bodies.join()).not.toContain(email);
  });
});

describe('a collector that is away', () => {
  it('fails no request, is told of once, and does not keep the process', async () => {
    const log = new LogLines();
    const away = { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${VACANT_PORT}` };
    const app = await startApp(away, undefined, log.logger);
    for (let times = 0; times < 5; times++)
      expect((await app.get('/api/auth/sessions', { as: app.admin })).status).toBe(200);
    const told = () => log.of('Tracing').filter(({ level }) => level === 40);
    await until(() => told().length > 0, 20_000);
    await app.get('/api/auth/sessions', { as: app.admin });
    await app.close();

    expect(told()).toHaveLength(1);
    expect(told()[0]?.['msg']).toMatch(/ECONNREFUSED.*OTEL_EXPORTER_OTLP_ENDPOINT/);
    Logger.overrideLogger(false);
  });
});

describe('no collector', () => {
  it('means that nothing is hooked into requests, and that no spans are made', async () => {
    const app = await startApp();
    expect(app.nest.getHttpAdapter().getInstance().hasRequestDecorator('trace')).toBe(false);
    expect(app.nest.get(SPANS)).toBeUndefined();
    await app.close();
  });
});
