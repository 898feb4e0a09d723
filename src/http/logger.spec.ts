import { inContext, keepContexts } from '../common/request-context';
import { loadConfig } from '../config/config';
import { PinoLogger } from './logger';

const SECRET = 'correct-horse-battery';
const config = loadConfig({
  DATABASE_URL: 'postgres://app:secret@db/gridtokenx',
  JWT_SECRET: 'a secret of thirty-two characters or more',
});

describe('the log', () => {
  let lines: string[];
  let logger: PinoLogger;
  beforeEach(() => {
    lines = [];
    logger = PinoLogger.of(config, { write: (line) => void lines.push(line) });
  });
  const told = () => JSON.parse(lines.at(-1) as string) as Record<string, unknown>;

  it('tells of each line whose request and which trace it belongs to', () => {
    keepContexts();
    const trace = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7', sampled: true };
    inContext({ work: 'GET /api/offers', requestId: 'mine-1', trace }, () => logger.log('seen', 'Offers'));
    expect(told()).toMatchObject({
      msg: 'seen',
      context: 'Offers',
      work: 'GET /api/offers',
      requestId: 'mine-1',
      trace_id: trace.traceId,
      span_id: trace.spanId,
    });
    logger.log('nobody asked', 'Offers');
    expect(told()).not.toHaveProperty('requestId');
  });

  it.each([
    ['a header', { headers: { authorization: `Bearer ${SECRET}`, cookie: SECRET, 'set-cookie': [SECRET] } }],
    ['a body', { request: { body: { password: SECRET, newPassword: SECRET, currentPassword: SECRET } } }],
    ['an answer', { accessToken: SECRET, refreshToken: SECRET, token: SECRET }],
    ['a setting', { config: { jwtSecret: SECRET } }],
    ['what a driver hangs on its error', { err: Object.assign(new Error('no'), { parameters: [SECRET] }) }],
  ])('keeps what is secret in %s to itself', (_where, fields) => {
    logger.warn({ message: 'told', ...fields }, 'Test');
    expect(told()).toMatchObject({ msg: 'told', context: 'Test' });
    expect(lines.join()).not.toContain(SECRET);
  });

  it.each([
    `connecting to postgres://app:${SECRET}@db:5432/gridtokenx failed`,
    `connecting to redis://:${SECRET}@cache:6379 failed`,
    `connecting to smtp://app:with@${SECRET}@mail:587 failed`,
    `the caller sent Authorization: Bearer ${SECRET}`,
    `the caller sent eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.${SECRET}`,
  ])('keeps what is secret within a text to itself: %s', (text) => {
    logger.error(new Error(text), 'Test');
    logger.log(text, 'Test');
    for (const line of lines) expect(JSON.parse(line)).toMatchObject({ context: 'Test' });
    expect(lines).toHaveLength(2);
    expect(lines.join()).not.toContain(SECRET);
  });

  it('leaves ordinary texts as they are', () => {
    const text = 'listening on http://127.0.0.1:8080, mails come from no-reply@localhost';
    logger.log(text, 'Server');
    expect(told()).toMatchObject({ msg: text });
  });

  it('shows errors with their causes and their code, and nothing else that hangs on them', () => {
    const cause = Object.assign(new Error('no route'), { code: 'EHOSTUNREACH' });
    const failure = Object.assign(new Error('Reading failed', { cause }), { code: 'X1', query: 'SELECT 1' });
    logger.error(failure, 'Test');
    const err = told()['err'] as Record<string, unknown>;
    expect(err).toMatchObject({ type: 'Error', code: 'X1' });
    expect(err['message']).toContain('no route');
    expect(err).not.toHaveProperty('query');
  });
});
