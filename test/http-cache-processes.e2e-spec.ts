import { Controller, Get, Param } from '@nestjs/common';
import { Public } from '../src/auth/decorators';
import type { CacheEntry } from '../src/cache/cache-entry';
import type { CacheParts } from '../src/cache/cache-parts';
import { CacheService } from '../src/cache/cache.service';
import { HttpCache } from '../src/cache/http/http-cache.decorator';
import type { HttpCachePolicy } from '../src/cache/http/http-cache-policy';
import type { Invalidation } from '../src/cache/invalidation-bus';
import { newId } from '../src/common/id';
import type { DatabaseUrls } from '../src/database/database.module';
import type { Answer, TestApp } from './support/app';
import { closeCaches, connectedCache, until, type LabCache } from './support/cache-lab';
import { migratedDatabase } from './support/database';
import { startWith } from './support/http-cache-lab';

const REDIS_URL = process.env['TEST_REDIS_URL'] as string;
/** The machine of a test may be busy. */
const SHARED = { REDIS_URL };

const tagOf = (name: string): string => `lab-price:${name}`;
const priceOf = (name: string): CacheEntry<{ price: number }> => ({
  key: ['lab:price', name],
  ttlSeconds: 60,
  tags: [tagOf(name)],
});
const policy = (kind: string): HttpCachePolicy => ({
  prefix: `http:lab:${kind}`,
  ttlSeconds: 60,
  scope: 'public',
  tags: ({ params }) => [tagOf(params['name'] as string)],
});

/** The row that the routes below tell of. */
let price = 1;
const load = () => Promise.resolve({ price });

@Controller('lab')
class PriceController {
  constructor(private readonly cache: CacheService) {}

  @Get('through/:name')
  @Public()
  @HttpCache(policy('through'))
  through(@Param('name') name: string) {
    return this.cache.getOrCompute(priceOf(name), load);
  }

  @Get('by-itself/:name')
  @Public()
  @HttpCache(policy('by-itself'))
  byItself() {
    return load();
  }
}

const cacheOf = ({ headers }: Answer): string | null => headers.get('x-cache');
const etagOf = ({ headers }: Answer): string | null => headers.get('etag');
const partsOf = (app: TestApp): CacheParts => app.nest.get(CacheService)['parts'];

/** Messages of other processes that are on their way, until they are let go. */
function holdMessages(app: TestApp): () => void {
  const { invalidations } = partsOf(app);
  const held: Invalidation[] = [];
  const ears = jest.spyOn(invalidations, 'heard').mockImplementation((message) => void held.push(message));
  return () => {
    ears.mockRestore();
    for (const message of held) invalidations.heard(message);
  };
}

describe('public answers of several processes with one Redis', () => {
  let urls: DatabaseUrls;
  let app: TestApp;
  let neighbour: TestApp;
  let redis: LabCache;
  let name: string;

  beforeAll(async () => {
    urls = await migratedDatabase();
    app = await startWith(PriceController, { urls, variables: SHARED });
    neighbour = await startWith(PriceController, { urls, variables: SHARED });
  });
  beforeEach(async () => {
    name = newId();
    price = 1;
    redis = await connectedCache({ url: REDIS_URL });
  });
  afterEach(closeCaches);
  afterAll(async () => {
    await neighbour.close();
    await app.close();
  });

  it('never give each other a text made of what one of them did not know to be old', async () => {
    await neighbour.nest.get(CacheService).getOrCompute(priceOf(name), load);
    const letGo = holdMessages(neighbour);
    price = 2;
    await app.nest.get(CacheService).invalidate([tagOf(name)]);
    // The message is on its way: this one may still tell what was, but nobody else.
    expect((await neighbour.get(`/lab/through/${name}`)).body.price).toBe(1);
    expect((await app.get(`/lab/through/${name}`)).body.price).toBe(2);
    letGo();
    expect((await neighbour.get(`/lab/through/${name}`)).body.price).toBe(2);
  });

  it('share what they are made of, and keep the texts to themselves', async () => {
    const first = await app.get(`/lab/through/${name}`);
    price = 2; // which nobody is told of
    const other = await neighbour.get(`/lab/through/${name}`);
    expect([cacheOf(other), other.body.price]).toEqual(['HIT', 1]);
    expect(await redis.cache.deletePattern(`http:lab:*${name}`)).toBe(0);
    expect(await redis.cache.deletePattern(`lab:price:${name}`)).toBe(1);
    expect(etagOf(first)).toMatch(/^"[\w-]+"$/);
  });

  it.each([
    ['through', 'HIT'],
    ['by-itself', 'MISS'],
  ])('have the same ETag in each: %s', async (kind, elsewhere) => {
    const answers = [await app.get(`/lab/${kind}/${name}`), await neighbour.get(`/lab/${kind}/${name}`)];
    expect(answers.map(cacheOf)).toEqual(['MISS', elsewhere]);
    expect(etagOf(answers[1] as Answer)).toBe(etagOf(answers[0] as Answer));
    const headers = { 'if-none-match': etagOf(answers[0] as Answer) as string };
    expect(await neighbour.get(`/lab/${kind}/${name}`, { headers })).toMatchObject({ status: 304 });
    price = 2;
    await app.nest.get(CacheService).invalidate([tagOf(name)]);
    expect(await app.get(`/lab/${kind}/${name}`, { headers })).toMatchObject({ status: 200 });
  });

  it('are dropped when the messages of the others do not arrive, and kept again when they do', async () => {
    const path = `/lab/by-itself/${name}`;
    await app.get(path);
    expect(cacheOf(await app.get(path))).toBe('HIT');
    const { invalidations } = partsOf(app);
    invalidations.lost();
    for (const turn of [1, 2]) expect([turn, cacheOf(await app.get(path))]).toEqual([turn, 'MISS']);
    invalidations.listening();
    await app.get(path);
    expect(cacheOf(await app.get(path))).toBe('HIT');
  });

  it.each(['through', 'by-itself'])(
    'are not kept while a write may be about to be told: %s',
    async (kind) => {
      const path = `/lab/${kind}/${name}`;
      await redis.parts.shared?.invalidations.hold([tagOf(name)], 'somebody who dies');
      const early = await app.get(path);
      price = 2; // committed, and nobody is left to say so
      expect([early.body.price, cacheOf(early), early.headers.get('cache-control')]).toEqual([
        1,
        'BYPASS',
        'no-store',
      ]);
      expect((await app.get(path)).body.price).toBe(2);
    },
  );
});

describe('an answer that is kept in one process only', () => {
  afterEach(closeCaches);

  it('is set, found and dropped there, also by what others invalidate', async () => {
    const [one, other] = [await connectedCache({ url: REDIS_URL }), await connectedCache({ url: REDIS_URL })];
    const entry: CacheEntry<number> = {
      key: ['lab:own', newId()],
      ttlSeconds: 60,
      tags: [newId()],
      localOnly: true,
    };
    expect(await one.cache.set(entry, 1)).toBe(true);
    expect([await one.cache.get(entry), await other.cache.get(entry)]).toEqual([1, undefined]);
    expect(await other.cache.getOrCompute(entry, () => Promise.resolve(2))).toBe(2);
    expect(await one.cache.get(entry)).toBe(1);
    await other.cache.invalidate(entry.tags);
    expect(await other.cache.get(entry)).toBeUndefined();
    await until(() => one.cache.peek(entry) === undefined);
    expect(await one.cache.deletePattern(`lab:own:${entry.key[1]}`)).toBe(0);
  });
});
