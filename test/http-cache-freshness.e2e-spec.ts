import { Controller, Get, Param } from '@nestjs/common';
import { Public } from '../src/auth/decorators';
import type { CacheEntry } from '../src/cache/cache-entry';
import { CacheService } from '../src/cache/cache.service';
import { HttpCache } from '../src/cache/http/http-cache.decorator';
import type { HttpCachePolicy } from '../src/cache/http/http-cache-policy';
import { newId } from '../src/common/id';
import type { DatabaseUrls } from '../src/database/database.module';
import type { Answer, TestApp } from './support/app';
import { RedisProcess, slowLoad } from './support/cache-lab';
import { migratedDatabase } from './support/database';
import { startWith } from './support/http-cache-lab';

const policy = (kind: string): HttpCachePolicy => ({
  prefix: `http:lab:${kind}`,
  ttlSeconds: 60,
  scope: 'public',
  tags: ['lab'],
});
const entryOf = <Value>(kind: string, name: string, rest: Partial<CacheEntry<Value>> = {}) => ({
  key: [`lab:${kind}`, name] as const,
  ttlSeconds: 60,
  tags: ['lab'],
  ...rest,
});

let runs = 0;
/** What the handlers compute, for a test to hold up. */
let load: () => Promise<{ run: number }>;

@Controller('lab')
class LabController {
  constructor(private readonly cache: CacheService) {}

  @Get('kept/:name')
  @Public()
  @HttpCache(policy('kept'))
  kept(@Param('name') name: string) {
    return this.cache.getOrCompute(entryOf('kept', name), () => load());
  }

  @Get('not-plain/:name')
  @Public()
  @HttpCache(policy('not-plain'))
  notPlain(@Param('name') name: string) {
    return this.cache.getOrCompute(entryOf('not-plain', name), () =>
      Promise.resolve({ run: ++runs, when: new Date() }),
    );
  }

  @Get('over/:name')
  @Public()
  @HttpCache(policy('over'))
  over(@Param('name') name: string) {
    return this.cache.getOrCompute(entryOf('over', name, { validUntil: () => 0 }), () => load());
  }

  @Get('right/:name')
  @Public()
  @HttpCache(policy('right'))
  right(@Param('name') name: string) {
    return this.cache.getOrCompute(entryOf('right', name, { sharedOnly: true }), () => load());
  }
}

/** The machine of a test may be busy. */
const sharedBy = (url: string) => ({ REDIS_URL: url });

const cacheOf = ({ headers }: Answer): string | null => headers.get('x-cache');

let urls: DatabaseUrls;
beforeAll(async () => {
  urls = await migratedDatabase();
});
beforeEach(() => {
  load = () => Promise.resolve({ run: ++runs });
});

describe.each([
  ['in this process', {}],
  ['in Redis too', sharedBy(process.env['TEST_REDIS_URL'] as string)],
])('a text made of an answer that is kept %s', (_where, variables) => {
  let app: TestApp;

  beforeAll(async () => {
    app = await startWith(LabController, { urls, variables });
  });
  afterAll(() => app.close());

  it('is kept with it', async () => {
    const path = `/lab/kept/${newId()}`;
    const answers = [await app.get(path), await app.get(path)];
    expect(answers.map(cacheOf)).toEqual(['MISS', 'HIT']);
  });

  it.each(['not-plain', 'over', 'right'])(
    'is not kept, nor by clients, where that one is not: %s',
    async (kind) => {
      const path = `/lab/${kind}/${newId()}`;
      for (const turn of [1, 2]) {
        const { status, headers } = await app.get(path);
        expect([turn, status, headers.get('x-cache')]).toEqual([turn, 200, 'BYPASS']);
        expect([headers.get('cache-control'), headers.get('etag')]).toEqual(['no-store', null]);
      }
    },
  );

  it('is not kept where that one was dropped, by its key alone, while it was computed', async () => {
    const name = newId();
    const slow = slowLoad<{ run: number }>();
    load = slow.load;
    const early = app.get(`/lab/kept/${name}`);
    await slow.begun;
    await app.nest.get(CacheService).delete(entryOf('kept', name));
    slow.end({ run: -1 });
    expect((await early).body.run).toBe(-1);
    load = () => Promise.resolve({ run: ++runs });
    expect((await app.get(`/lab/kept/${name}`)).body.run).toBe(runs);
  });
});

describe('while Redis is full', () => {
  it('texts are not kept either, since what they are made of is not', async () => {
    const server = await RedisProcess.start('--maxmemory-policy', 'noeviction');
    const app = await startWith(LabController, { urls, variables: sharedBy(server.url) });
    try {
      const path = `/lab/kept/${newId()}`;
      await app.get('/lab/kept/first'); // which makes the versions of the tags
      const { shared } = app.nest.get(CacheService)['parts'];
      await shared?.gate.connection.send('', ['CONFIG', 'SET', 'maxmemory', '1']);
      const answers = [await app.get(path), await app.get(path)];
      expect(answers.map(cacheOf)).toEqual(['BYPASS', 'BYPASS']);
    } finally {
      await app.close();
      await server.stop();
    }
  });
});
