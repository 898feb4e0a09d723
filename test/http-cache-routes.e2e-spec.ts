import { Controller, Get, Param, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { CurrentUser, Public } from '../src/auth/decorators';
import type { Principal } from '../src/auth/principal';
import { HttpCache } from '../src/cache/http/http-cache.decorator';
import type { HttpCachePolicy } from '../src/cache/http/http-cache-policy';
import { HttpReplies } from '../src/cache/http/http-replies';
import type { CacheEntry } from '../src/cache/cache-entry';
import { CacheService } from '../src/cache/cache.service';
import type { DatabaseUrls } from '../src/database/database.module';
import { NotFound } from '../src/common/domain-error';
import type { Answer, TestApp } from './support/app';
import { until } from './support/cache-lab';
import { migratedDatabase } from './support/database';
import { startWith } from './support/http-cache-lab';

const policy = (name: string, rest: Partial<HttpCachePolicy> = {}): HttpCachePolicy => ({
  prefix: `http:routes-lab:${name}`,
  ttlSeconds: 60,
  scope: 'public',
  tags: ['lab'],
  ...rest,
});

/** What the routes below hold until a test lets it go. */
let gate: Promise<unknown> = Promise.resolve();
let runs = 0;

const LINE = {
  text: 'Grüße 🌞 "quoted" </script>',
  none: null,
  left: undefined,
  when: new Date(0),
  nested: [{ a: 1 }],
};

@Controller('lab')
class LabController {
  @Get('plain')
  @Public()
  plain() {
    return LINE;
  }

  @Get('kept')
  @Public()
  @HttpCache(policy('kept'))
  kept() {
    return LINE;
  }

  @Get('counted/:name')
  @Public()
  @HttpCache(policy('counted', { query: ['a', 'b'], tags: ({ params }) => [`lab:${params['name']}`] }))
  async counted(@Param('name') name: string) {
    const run = ++runs;
    await gate;
    if (name === 'failing') throw new NotFound('meter');
    return { run };
  }

  @Get('stale')
  @Public()
  @HttpCache(policy('stale', { ttlSeconds: 0.05, staleSeconds: 60 }))
  stale() {
    return { run: ++runs };
  }

  @Get('held')
  @Public()
  @HttpCache(policy('held', { clientSeconds: 20 }))
  held() {
    return {};
  }

  @Get('mine')
  @HttpCache(policy('mine', { scope: 'user' }))
  mine(@CurrentUser() user: Principal) {
    return { id: user.userId, run: ++runs };
  }

  @Get('cookie')
  @Public()
  @HttpCache(policy('cookie', { query: ['as'] }))
  async cookie(@Query('as') as: string, @Res({ passthrough: true }) reply: FastifyReply) {
    await gate;
    if (as === 'cookie') void reply.header('set-cookie', `run=${++runs}`);
    if (as === 'status') void reply.status(202);
    if (as === 'link') void reply.header('link', '<https://example.org>');
    return { run: ++runs };
  }

  @Get('text')
  @Public()
  @HttpCache(policy('text'))
  text() {
    return `run ${++runs}`;
  }
}

/** Kept under the keys of the routes above, to see when they are forgotten. */
const MARKER: CacheEntry<boolean> = { key: ['http:routes-lab:marker'], ttlSeconds: 60, tags: [] };

const cacheOf = ({ headers }: Answer): string | null => headers.get('x-cache');

let urls: DatabaseUrls;
beforeAll(async () => {
  urls = await migratedDatabase();
});

describe.each([
  ['in this process', {}],
  ['in Redis too', { REDIS_URL: process.env['TEST_REDIS_URL'] as string }],
])('a route with @HttpCache, kept %s', (_where, variables) => {
  let app: TestApp;
  let byInterceptor: TestApp;

  beforeAll(async () => {
    app = await startWith(LabController, { urls, variables });
    byInterceptor = await startWith(LabController, { urls, variables, withHook: false });
  });

  /** Forgets all answers, and waits until the other process has heard of it: what it computes before is not kept. */
  async function forgetEverywhere(): Promise<void> {
    const heard = app.nest.get(CacheService);
    await heard.set(MARKER, true);
    await byInterceptor.nest.get(CacheService).deletePattern('http:routes-lab:*');
    await until(async () => (await heard.get(MARKER)) === undefined, 'what the other process invalidates');
  }

  beforeEach(async () => {
    gate = Promise.resolve();
    await forgetEverywhere();
  });
  afterAll(async () => {
    await byInterceptor.close();
    await app.close();
  });

  it('answers with the bytes and headers of a route without, computed, by the interceptor and before it', async () => {
    const bytesOf = async (url: string): Promise<[string | null, string, string[]]> => {
      const answer = await fetch(url);
      const bytes = Buffer.from(await answer.arrayBuffer()).toString('hex');
      const ours = new Set(['x-cache', 'etag', 'age', 'cache-control']);
      const own = new Set(['x-request-id', 'date']);
      const headers = [...answer.headers].filter(([name]) => !ours.has(name) && !own.has(name));
      return [
        answer.headers.get('x-cache'),
        bytes,
        headers.map(([name, value]) => `${name}: ${value}`).sort(),
      ];
    };
    const plain = await bytesOf(`${app.url}/lab/plain`);
    expect(plain[0]).toBeNull();
    for (const { url } of [app, byInterceptor]) {
      const answers = [await bytesOf(`${url}/lab/kept`), await bytesOf(`${url}/lab/kept`)];
      expect(answers[1]?.[0]).toBe('HIT');
      for (const [, bytes, headers] of answers) expect([bytes, headers]).toEqual(plain.slice(1));
    }
  });

  it('runs its handler once for all who ask at the same time', async () => {
    let open: (value?: unknown) => void = () => undefined;
    gate = new Promise((resolve) => (open = resolve));
    const before = runs;
    const asking = Array.from({ length: 20 }, () => app.get('/lab/counted/once'));
    await until(() => runs > before);
    open();
    const answers = await Promise.all(asking);
    expect(runs).toBe(before + 1);
    expect(new Set(answers.map(({ headers }) => headers.get('etag'))).size).toBe(1);
  });

  it('gives an error to all who waited for it, and keeps it from nobody else', async () => {
    let open: (value?: unknown) => void = () => undefined;
    gate = new Promise((resolve) => (open = resolve));
    const before = runs;
    const asking = Array.from({ length: 5 }, () => app.get('/lab/counted/failing'));
    await until(() => runs > before);
    open();
    const answers = await Promise.all(asking);
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404, 404, 404]);
    for (const { body, headers } of answers) expect(body.requestId).toBe(headers.get('x-request-id'));
    const ran = runs;
    const again = await app.get('/lab/counted/failing');
    expect([again.status, cacheOf(again), again.headers.get('cache-control')]).toEqual([
      404,
      'BYPASS',
      'no-store',
    ]);
    expect(runs).toBe(ran + 1);
  });

  it('does not keep what was computed before a write', async () => {
    let open: (value?: unknown) => void = () => undefined;
    gate = new Promise((resolve) => (open = resolve));
    const before = runs;
    const early = app.get('/lab/counted/written');
    await until(() => runs > before);
    await app.nest.get(CacheService).invalidate(['lab:written']);
    open();
    const first = (await early).body.run;
    expect((await app.get('/lab/counted/written')).body.run).not.toBe(first);
  });

  it('tells answers apart by its path and the parameters it names', async () => {
    const paths = ['x', 'y', 'x?a=1', 'x?b=1', 'x?a=1&b=1', 'x?a=b&b=1', 'x%3Aa%3A1', 'x%3F'];
    const answers = [];
    for (const path of paths) answers.push(await app.get(`/lab/counted/${path}`));
    expect(new Set(answers.map(({ body }) => body.run)).size).toBe(paths.length);
    expect(cacheOf(await app.get('/lab/counted/x?b=1&a=1'))).toBe('HIT');
  });

  it('remembers short URLs only, and answers long ones all the same', async () => {
    const urls = app.nest.get(HttpReplies)['urls'];
    for (const value of ['short', 'long'.repeat(80)]) {
      const path = `/lab/counted/url?a=${value}`;
      expect([cacheOf(await app.get(path)), cacheOf(await app.get(path))]).toEqual(['MISS', 'HIT']);
      expect(urls.has(path)).toBe(value === 'short');
    }
  });

  it('gives out what is no longer fresh while it computes anew, where it may', async () => {
    const { run } = (await app.get('/lab/stale')).body;
    let answer = await app.get('/lab/stale');
    await until(async () => cacheOf((answer = await app.get('/lab/stale'))) === 'STALE');
    expect(answer.headers.get('cache-control')).toBe('public, no-cache');
    await until(async () => (answer = await app.get('/lab/stale')).body.run > run);
    expect(answer.status).toBe(200);
  });

  it('renews behind an answer that the client knew already', async () => {
    const first = await app.get('/lab/stale');
    const headers = { 'if-none-match': '*' };
    await until(async () => cacheOf(await app.get('/lab/stale', { headers })) === 'STALE');
    let answer = first;
    await until(async () => {
      answer = await app.get('/lab/stale', { headers });
      return answer.headers.get('etag') !== first.headers.get('etag');
    });
    expect(answer.status).toBe(304);
  });

  it('lets clients keep an answer only where it says so, and not longer than it is fresh', async () => {
    await app.get('/lab/held');
    const { headers } = await app.get('/lab/held');
    const [, seconds] = /^public, max-age=(\d+)$/.exec(headers.get('cache-control') ?? '') ?? [];
    expect(Number(seconds) - Number(headers.get('age'))).toBe(20);
  });

  it('never gives one user what was made for another', async () => {
    const [one, other] = [await app.registers(), await app.registers()];
    for (const turn of ['MISS', 'HIT']) {
      for (const person of [one, other]) {
        const answer = await app.get('/lab/mine', { as: person });
        expect([cacheOf(answer), answer.body.id]).toEqual([turn, person.id]);
        expect(answer.headers.get('cache-control')).toBe('private, no-cache');
        expect(answer.headers.get('vary')).toBe('Authorization');
      }
    }
    expect(await app.get('/lab/mine')).toMatchObject({ status: 401 });
    const etag = (await app.get('/lab/mine', { as: one })).headers.get('etag') as string;
    const strangers = await app.get('/lab/mine', { as: other, headers: { 'if-none-match': etag } });
    expect(strangers).toMatchObject({ status: 200, body: { id: other.id } });
  });

  it.each([
    ['cookie', 200],
    ['status', 202],
    ['link', 200],
  ])('keeps no answer with a %s of its own, and gives it to nobody else', async (kind, status) => {
    let open: (value?: unknown) => void = () => undefined;
    gate = new Promise((resolve) => (open = resolve));
    const asking = Array.from({ length: 3 }, () => app.get(`/lab/cookie?as=${kind}`));
    open();
    const answers = [...(await Promise.all(asking)), await app.get(`/lab/cookie?as=${kind}`)];
    expect(answers.map(cacheOf)).toEqual(['BYPASS', 'BYPASS', 'BYPASS', 'BYPASS']);
    expect(answers.map((answer) => answer.status)).toEqual([status, status, status, status]);
    expect(new Set(answers.map(({ body }) => body.run)).size).toBe(4);
    const cookies = answers.map(({ headers }) => headers.get('set-cookie'));
    expect(new Set(cookies).size).toBe(kind === 'cookie' ? 4 : 1);
    expect(cacheOf(await app.get('/lab/cookie'))).toBe('MISS');
  });

  it('keeps only what is JSON', async () => {
    for (const turn of [1, 2]) {
      const answer = await app.get('/lab/text');
      expect([turn, cacheOf(answer), answer.body]).toEqual([
        turn,
        'BYPASS',
        expect.stringMatching(/^run \d+$/),
      ]);
    }
  });
});
