import { startApp, type Answer, type Person, type TestApp } from './support/app';
import { eventually } from './support/eventually';

const LIMITS = { auth: 5, admin: 3, api: 4, trading: 6, readings: 7, public: 8 };
const SMALL = {
  RATE_LIMIT_ENABLED: 'true',
  ...Object.fromEntries(
    Object.entries(LIMITS).map(([name, limit]) => [`RATE_LIMIT_${name.toUpperCase()}`, String(limit)]),
  ),
};

const METRICS_TOKEN = 'sixteen characters';

type Ask = () => Promise<Answer>;

/** One after the other; the statuses of the answers. */
async function statuses(times: number, ask: Ask): Promise<number[]> {
  const answers: number[] = [];
  for (let asked = 0; asked < times; asked++) answers.push((await ask()).status);
  return answers;
}

let networks = 0;
/** Where nobody has asked from yet. */
const somewhere = () => `203.0.113.${++networks}`;
const from = (ip: string) => ({ headers: { 'x-forwarded-for': ip } });

describe('requests are limited', () => {
  let app: TestApp;
  let ann: Person;
  let bob: Person;
  beforeAll(async () => {
    app = await startApp({ ...SMALL, TRUST_PROXY: 'loopback', METRICS_TOKEN });
    ann = await app.registers();
    bob = await app.registers();
  });
  afterAll(() => app.close());

  it.each<[keyof typeof LIMITS, (ip: string) => Promise<Answer>]>([
    ['auth', (ip) => app.post('/api/auth/login', { body: {}, ...from(ip) })],
    ['auth', (ip) => app.post('/api/auth/register', { body: {}, ...from(ip) })],
    ['auth', (ip) => app.post('/api/auth/password/forgot', { body: {}, ...from(ip) })],
    ['auth', () => app.post('/api/auth/password/change', { as: ann, body: {} })],
    ['public', (ip) => app.get('/api/offers', from(ip))],
    ['public', (ip) => app.get('/api/trading/markets', from(ip))],
    ['public', (ip) => app.post('/api/auth/refresh', { body: {}, ...from(ip) })],
    ['public', (ip) => app.get('/docs-json', from(ip))],
    ['api', () => app.get('/api/ledger/balances', { as: ann })],
    ['trading', () => app.get('/api/trading/orders', { as: ann })],
    ['trading', () => app.post('/api/offers', { as: ann, body: {} })],
    ['readings', () => app.get('/api/meters/readings', { as: ann })],
    ['admin', () => app.get('/api/admin/audit', { as: app.admin })],
  ])('to so many of class %s', async (name, ask) => {
    const ip = somewhere();
    expect(await statuses(LIMITS[name], () => ask(ip))).not.toContain(429);
    expect(await ask(ip)).toMatchObject({ status: 429, body: { code: 'RATE_LIMITED' } });
  });

  it('by user, wherever they ask from, and not by those beside them', async () => {
    const balances = (as: Person, ip: string) => () => app.get('/api/ledger/entries', { as, ...from(ip) });
    const [here, there] = [somewhere(), somewhere()];
    expect(await statuses(LIMITS.api, balances(ann, here))).not.toContain(429);
    expect(await statuses(2, balances(ann, there))).toEqual([429, 429]);
    expect(await statuses(LIMITS.api, balances(bob, here))).not.toContain(429);
    expect((await app.get('/api/meters', { as: ann, ...from(here) })).status).toBe(200);
  });

  it('by address where nobody is logged in, also of those who are', async () => {
    const ip = somewhere();
    const tape = (as?: Person) => app.get('/api/trading/trades', { as, ...from(ip) });
    expect(await statuses(LIMITS.public, () => tape())).not.toContain(429);
    expect((await tape(ann)).status).toBe(429);
    expect((await app.get('/api/trading/trades', from(somewhere()))).status).toBe(200);
  });

  it('by the template of a route, not by its URL', async () => {
    const ip = somewhere();
    const books = ['solar', 'wind', 'hydro', 'biomass'];
    const ask = (index: number) =>
      app.get(`/api/trading/orderbook/${books[index % 4]}?depth=${1 + index}`, from(ip));
    for (let asked = 0; asked < LIMITS.public; asked++) expect((await ask(asked)).status).toBe(200);
    expect((await ask(0)).status).toBe(429);
    expect((await app.request('HEAD', '/api/trading/orderbook/solar', from(ip))).status).toBe(429);
  });

  it('by the network of an address of IPv6', async () => {
    const markets = (ip: string) => () => app.get('/api/trading/markets', from(ip));
    expect(await statuses(LIMITS.public, markets('2001:db8:0:7::1'))).not.toContain(429);
    expect(await statuses(1, markets('2001:db8:0:7:ffff::2'))).toEqual([429]);
    expect(await statuses(1, markets('2001:db8:0:8::1'))).toEqual([200]);
  });

  it('with headers that tell where one stands, and when to come back', async () => {
    const ip = somewhere();
    const first = await app.get('/api/offers', from(ip));
    expect(first.headers.get('x-ratelimit-limit')).toBe('8');
    expect(first.headers.get('x-ratelimit-remaining')).toBe('7');
    expect(Number(first.headers.get('x-ratelimit-reset'))).toBeLessThanOrEqual(60);
    const own = await app.get('/api/meters/stats', { as: bob });
    expect(own.headers.get('x-ratelimit-limit')).toBe('4');
    expect(own.headers.get('x-ratelimit-remaining')).toBe('3');
    const refusedAsGuest = await eventually(
      () => app.get('/api/offers', from(ip)),
      ({ status }) => status === 429,
    );
    const refusedAsUser = await eventually(
      () => app.get('/api/meters/stats', { as: bob }),
      ({ status }) => status === 429,
    );
    for (const { headers, body } of [refusedAsGuest, refusedAsUser]) {
      const seconds = Number(headers.get('retry-after'));
      expect(seconds).toBeGreaterThan(0);
      expect(seconds).toBeLessThanOrEqual(60);
      expect(headers.get('content-type')).toContain('application/problem+json');
      expect(headers.get('x-ratelimit-remaining')).toBe('0');
      expect(headers.get('x-ratelimit-reset')).toBe(String(seconds));
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(body).toMatchObject({
        type: 'about:blank',
        title: 'Too Many Requests',
        status: 429,
        code: 'RATE_LIMITED',
        requestId: headers.get('x-request-id'),
      });
      expect(body.detail).toContain(`try again in ${seconds} second`);
    }
  });

  it('by address where the token is missing', async () => {
    const ip = somewhere();
    const ask = () => app.get('/api/ledger/withdrawals', from(ip));
    expect(await statuses(LIMITS.api, ask)).toEqual(Array(LIMITS.api).fill(401));
    expect((await ask()).status).toBe(429);
  });

  it('by address where the token is bad, and others at that address go on', async () => {
    const ip = somewhere();
    const ask = (as: Person | string) => app.get('/api/ledger/withdrawals', { as, ...from(ip) });
    const met: number[] = [];
    await eventually(
      () => ask(`${ann.token}x`),
      ({ status }) => met.push(status) > 0 && status === 429,
    );
    expect(met.filter((status) => status === 401).length).toBeGreaterThanOrEqual(LIMITS.api);
    expect(await statuses(LIMITS.api, () => ask(ann))).toEqual(Array(LIMITS.api).fill(200));
    expect((await ask(ann)).status).toBe(429);
    expect((await ask(bob)).status).toBe(200);
  });

  it('for what a role does not include, too', async () => {
    const ip = somewhere();
    const met: number[] = [];
    await eventually(
      () => app.get('/api/organizations', { as: bob, ...from(ip) }),
      ({ status }) => met.push(status) > 0 && status === 429,
    );
    expect(new Set(met)).toEqual(new Set([403, 429]));
    expect(met.length).toBeGreaterThan(LIMITS.admin);
  });

  it('for routes that do not exist, and never for probes, scrapers and preflights', async () => {
    const ip = somewhere();
    const nowhere = (index: number) => app.get(`/api/nothing/${index}`, from(ip));
    for (let asked = 0; asked < LIMITS.public; asked++) expect((await nowhere(asked)).status).toBe(404);
    expect((await nowhere(LIMITS.public)).status).toBe(429);
    for (const path of ['/health', '/health/live', '/health/ready', '/metrics']) {
      const probes = await statuses(2 * LIMITS.public, () => app.get(path));
      expect(probes).not.toContain(429);
      expect((await app.get(path)).headers.get('x-ratelimit-limit')).toBeNull();
    }
    const preflights = await statuses(2 * LIMITS.public, () =>
      app.request('OPTIONS', '/api/offers', from(ip)),
    );
    expect(preflights).not.toContain(429);
  });

  it('and those refused are counted by class', async () => {
    const ip = somewhere();
    const refusals = async () => {
      const { body } = await app.get('/metrics', { as: METRICS_TOKEN });
      return Number(/^rate_limited_requests_total\{class="auth"\} (\d+)$/m.exec(body)?.[1] ?? 0);
    };
    const before = await refusals();
    await statuses(LIMITS.auth + 2, () => app.post('/api/auth/wallet/login', { body: {}, ...from(ip) }));
    expect(await refusals()).toBe(before + 2);
  });
});

describe('a window', () => {
  const warnings: string[] = [];
  let app: TestApp;
  beforeAll(async () => {
    const silent = () => undefined;
    const warn = (message: unknown) => void warnings.push(String(message));
    const logger = { log: silent, error: silent, debug: silent, verbose: silent, fatal: silent, warn };
    app = await startApp({ ...SMALL, RATE_LIMIT_WINDOW_S: '1' }, undefined, logger);
  });
  afterAll(() => app.close());

  it('ends, and begins anew with the next request', async () => {
    const ask = () => app.get('/api/offers');
    const asked = () => Promise.all(Array.from({ length: LIMITS.public + 1 }, ask));
    const answers = await eventually(asked, (all) => all.some(({ status }) => status === 429));
    const refused = answers.find(({ status }) => status === 429) as Answer;
    expect(refused.headers.get('retry-after')).toBe('1');
    const again = await eventually(ask, ({ status }) => status === 200);
    expect(again.headers.get('x-ratelimit-remaining')).toBe('7');
  });

  it('is the same for all whom no proxy vouches for, whatever address they claim', async () => {
    const claim = (index: number) => app.get('/api/trading/trades', from(`198.51.100.${index}`));
    const answers = await Promise.all(Array.from({ length: 40 }, (_one, index) => claim(index)));
    expect(answers.map(({ status }) => status)).toContain(429);
    expect(warnings.filter((warning) => warning.includes('set TRUST_PROXY'))).toHaveLength(1);
  });
});

describe('where limits are turned off', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp({ ...SMALL, RATE_LIMIT_ENABLED: 'false' });
  });
  afterAll(() => app.close());

  it('nobody is counted', async () => {
    const guest = () => app.get('/api/offers');
    const user = () => app.get('/api/users/me', { as: app.admin });
    for (const ask of [guest, user]) {
      expect(await statuses(2 * LIMITS.public, ask)).not.toContain(429);
      expect((await ask()).headers.get('x-ratelimit-limit')).toBeNull();
    }
  });
});
