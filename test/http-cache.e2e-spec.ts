import { CacheService } from '../src/cache/cache.service';
import { HttpMetrics } from '../src/monitoring/metrics/http-metrics';
import { startApp, type Answer, type Person, type TestApp } from './support/app';
import { RedisProcess, until } from './support/cache-lab';
import { givesEnergy, givesMoney } from './support/market';

const cacheOf = ({ headers }: Answer): string | null => headers.get('x-cache');
const etagOf = ({ headers }: Answer): string => headers.get('etag') ?? '';

/** What an answer says of itself, without what is each answer's own. */
const common = ({ headers }: Answer): Record<string, string> => {
  const own = new Set(['x-request-id', 'x-cache', 'date', 'age', 'connection', 'keep-alive']);
  return Object.fromEntries([...headers].filter(([name]) => !own.has(name)));
};

describe('public answers over HTTP', () => {
  let redis: RedisProcess;
  let app: TestApp;
  let neighbour: TestApp;
  let seller: Person;

  beforeAll(async () => {
    redis = await RedisProcess.start(); // others keep answers of their own under the same keys
    app = await startApp({
      REDIS_URL: redis.url,
      CORS_ORIGINS: 'https://console.example.org',
      METRICS_TOKEN: 'sixteen characters',
    });
    neighbour = await startApp({ REDIS_URL: redis.url }, app.urls);
    seller = await app.registers();
    await givesEnergy(app, seller, '1000', 'solar');
    await givesMoney(app, seller, '1000');
  });
  afterAll(async () => {
    await neighbour.close();
    await app.close();
    await redis.stop();
  });

  const lists = (pricePerKwh = '3.25'): Promise<Answer> =>
    app.post('/api/offers', {
      as: seller,
      body: { energySource: 'solar', amountKwh: '1', pricePerKwh },
    });

  it('are computed once, and say so', async () => {
    await lists();
    const answers = [
      await app.get('/api/offers'),
      await app.get('/api/offers'),
      await app.get('/api/offers'),
    ];
    expect(answers.map(cacheOf)).toEqual(['MISS', 'HIT', 'HIT']);
    for (const answer of answers) {
      expect(answer).toMatchObject({ status: 200, body: answers[0]?.body });
      expect(answer.headers.get('cache-control')).toBe('public, no-cache');
      expect(answer.headers.get('age')).toMatch(/^\d+$/);
      expect(etagOf(answer)).toMatch(/^"[\w-]+"$/);
      expect(common(answer)).toEqual(common(answers[0] as Answer));
    }
    expect(new Set(answers.map(({ headers }) => headers.get('x-request-id'))).size).toBe(3);
  });

  it('are hits however the same question is written, and whichever process is asked', async () => {
    await lists();
    const first = await app.get('/api/offers?minPrice=1&sort=price');
    const others = [
      await app.get('/api/offers?sort=price&minPrice=1'),
      await app.get('/api/offers?minPrice=1.000'),
      await app.get('/api/offers?minPrice=1&limit=50'),
      await neighbour.get('/api/offers?minPrice=1'),
    ];
    expect([first, ...others].map(cacheOf)).toEqual(['MISS', 'HIT', 'HIT', 'HIT', 'HIT']);
    expect(new Set([first, ...others].map(etagOf)).size).toBe(1);
  });

  it('carry the headers of every answer, also those that depend on who asks', async () => {
    await app.get('/api/offers');
    const headers = { origin: 'https://console.example.org', 'x-request-id': 'mine-1' };
    const kept = await app.get('/api/offers', { headers });
    expect(cacheOf(kept)).toBe('HIT');
    expect(kept.headers.get('access-control-allow-origin')).toBe(headers.origin);
    expect(kept.headers.get('vary')).toBe('Origin');
    expect(kept.headers.get('x-request-id')).toBe('mine-1');
    expect(kept.headers.get('x-content-type-options')).toBe('nosniff');
    const stranger = await app.get('/api/offers', { headers: { origin: 'https://evil.example.org' } });
    expect(stranger.headers.get('access-control-allow-origin')).toBeNull();
  });

  it('are not sent again to whoever has them', async () => {
    const first = await app.get('/api/offers');
    const etag = etagOf(first);
    for (const known of [etag, `W/${etag}`, `"other", W/${etag}`, '*']) {
      const answer = await app.get('/api/offers', { headers: { 'if-none-match': known } });
      expect([known, answer.status, answer.body, etagOf(answer)]).toEqual([known, 304, '', etag]);
      expect(answer.headers.get('cache-control')).toBe('public, no-cache');
      expect(answer.headers.get('content-type')).toBeNull();
    }
    const other = await app.get('/api/offers', { headers: { 'if-none-match': '"other"' } });
    expect(other).toMatchObject({ status: 200, body: first.body });
  });

  it('are answered to HEAD without a body', async () => {
    const kept = await app.get('/api/offers');
    const head = await app.request('HEAD', '/api/offers');
    expect(head).toMatchObject({ status: 200, body: '' });
    expect(cacheOf(head)).toBe('HIT');
    expect(common(head)).toEqual(common(kept));
    const cold = await app.request('HEAD', '/api/offers?limit=7');
    expect([cold.status, cacheOf(cold)]).toEqual([200, 'MISS']);
    expect(cacheOf(await app.get('/api/offers?limit=7'))).toBe('HIT');
  });

  it('are new after a write, in this process at once and soon in the others', async () => {
    const before = await app.get('/api/offers');
    await until(async () => cacheOf(await neighbour.get('/api/offers')) === 'HIT');
    const { body: offer } = await lists('1.5');
    const after = await app.get('/api/offers', { headers: { 'if-none-match': etagOf(before) } });
    expect(after.status).toBe(200);
    expect(after.body.items[0].id).toBe(offer.id);
    await until(async () => (await neighbour.get('/api/offers')).body.items[0].id === offer.id);
    await neighbour.delete(`/api/offers/${offer.id}`, { as: seller });
    expect((await neighbour.get('/api/offers')).body.items[0].id).not.toBe(offer.id);
    await until(async () => (await app.get('/api/offers')).body.items[0].id !== offer.id);
  });

  it.each(['/api/trading/orderbook/solar?depth=5', '/api/trading/markets/solar', '/api/trading/markets'])(
    'are new after an order: %s',
    async (path) => {
      const warm = [await app.get(path), await app.get(path)];
      expect(cacheOf(warm[1] as Answer)).toBe('HIT');
      const order = { market: 'solar', side: 'sell', quantityKwh: '1', pricePerKwh: '5' };
      expect((await app.post('/api/trading/orders', { as: seller, body: order })).status).toBe(201);
      const after = await app.get(path, { headers: { 'if-none-match': etagOf(warm[1] as Answer) } });
      expect([after.status, cacheOf(after)]).toEqual([200, 'MISS']);
      expect((await neighbour.get(path)).body).toEqual(after.body);
    },
  );

  it('share a key however their parameters are ordered and encoded', async () => {
    const first = await app.get('/api/offers?sort=newest&limit=3');
    const same = await app.get('/api/offers?limit=3&%73ort=newest');
    expect([cacheOf(first), cacheOf(same), etagOf(same)]).toEqual(['MISS', 'HIT', etagOf(first)]);
  });

  it.each([
    ['unknown', 'limit=2&colour=red'],
    ['repeated', 'limit=2&limit=2'],
    ['empty', 'source='],
    ['oversized', `cursor=${'x'.repeat(401)}`],
    ['with blanks at its ends', 'limit=%202'],
    ['of a prototype', '__proto__=2'],
  ])('are computed for a request with a parameter that is %s', async (_, query) => {
    for (const turn of [1, 2]) {
      const answer = await app.get(`/api/offers?${query}`);
      expect([turn, cacheOf(answer), answer.headers.get('etag')]).toEqual([turn, 'BYPASS', null]);
      expect(answer.headers.get('cache-control')).toBe('no-store');
    }
  });

  it('are never what somebody alone may see', async () => {
    const path = '/api/offers?mine=true';
    const own = await app.get(path, { as: seller });
    expect([own.status, cacheOf(own), own.headers.get('cache-control')]).toEqual([200, 'BYPASS', 'no-store']);
    expect(own.body.items.length).toBeGreaterThan(0);
    expect(await app.get(path)).toMatchObject({ status: 401 });
    expect((await app.get(path, { as: await app.registers() })).body.items).toEqual([]);
  });

  it('are not errors', async () => {
    const path = '/api/trading/markets/nowhere';
    for (const turn of [1, 2]) {
      const answer = await app.get(path);
      expect([turn, answer.status, cacheOf(answer)]).toEqual([turn, 404, 'BYPASS']);
      expect(answer.body.requestId).toBe(answer.headers.get('x-request-id'));
    }
    const created = { id: 'nowhere', energySource: 'solar' };
    expect((await app.post('/api/trading/markets', { as: app.admin, body: created })).status).toBe(201);
    expect(await app.get(path)).toMatchObject({ status: 200, body: { id: 'nowhere' } });
  });

  it.each([
    ['/api/trading/markets/Nowhere', 'http:market:data'],
    ['/api/trading/orderbook/no_market', 'http:order:book'],
    ['/api/certificates/ERC-2026-UUUUUU', 'http:certificate'],
    ['/api/certificates/anything', 'http:certificate'],
  ])('are not looked for where nothing can be called like that: %s', async (path, prefix) => {
    const counts = () => app.nest.get(CacheService).statistics.of(prefix);
    const before = structuredClone(counts());
    const answer = await app.get(path);
    expect([answer.status >= 400, cacheOf(answer)]).toEqual([true, 'BYPASS']);
    expect(counts()).toEqual(before);
  });

  it('are counted by route like all others', async () => {
    await app.get('/api/trading/markets/wind');
    const count = async (): Promise<number> => {
      const { body } = await app.get('/metrics');
      const line =
        'http_request_duration_seconds_count{method="GET",route="/api/trading/markets/:market",status="200"} ';
      return Number(
        body
          .split('\n')
          .find((one: string) => one.startsWith(line))
          ?.slice(line.length),
      );
    };
    const before = await count();
    for (let turn = 0; turn < 3; turn++)
      expect(cacheOf(await app.get('/api/trading/markets/wind'))).toBe('HIT');
    await until(async () => (await count()) === before + 3);
    // Not by /metrics: two applications of one process share its gauge.
    await until(() => app.nest.get(HttpMetrics)['inFlight'] === 0, 'the end of all requests');
  });
});
