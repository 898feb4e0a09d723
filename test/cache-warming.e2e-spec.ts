import { CacheService } from '../src/cache/cache.service';
import { CacheWarming } from '../src/cache/warming/cache-warming';
import type { DatabaseUrls } from '../src/database/database.module';
import { startApp, type TestApp } from './support/app';
import { RedisProcess } from './support/cache-lab';
import { migratedDatabase } from './support/database';

/** A list of markets, six books with their markets, and the first page of offers. */
const ANSWERS = 14;
const QUICKLY = { CACHE_WARM_LOADS_PER_SECOND: '1000' };

const warmingOf = (app: TestApp) => app.nest.get(CacheWarming).over;

async function loadsOf(app: TestApp): Promise<Record<string, number>> {
  const { prefixes } = await app.nest.get(CacheService).stats();
  const loads = new Map(prefixes.map((counts) => [counts.prefix, counts.loads]));
  const of = (prefix: string) => loads.get(prefix) ?? 0;
  return { books: of('order:book'), markets: of('market:data'), offers: of('offers:active') };
}

describe('what is warmed after a start', () => {
  let urls: DatabaseUrls;
  let redis: RedisProcess;
  const running: TestApp[] = [];

  beforeAll(async () => {
    urls = await migratedDatabase();
    await (await startApp({}, urls)).close(); // makes the markets
  });
  beforeEach(async () => {
    redis = await RedisProcess.start();
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map((app) => app.close()));
    await redis.stop();
  });

  async function start(variables: Record<string, string>): Promise<TestApp> {
    const app = await startApp(variables, urls);
    running.push(app);
    return app;
  }

  it('is asked for by one of the processes that share a cache, for all of them', async () => {
    const shared = { ...QUICKLY, REDIS_URL: redis.url };
    const apps = [await start(shared), await start(shared)];
    const reports = await Promise.all(apps.map(warmingOf));
    expect(reports.map(({ part }) => part).sort()).toEqual(['follower', 'leader']);
    const leader = apps[reports.findIndex(({ part }) => part === 'leader')] as TestApp;
    const follower = apps.find((app) => app !== leader) as TestApp;
    expect(reports).toContainEqual({ part: 'leader', warmed: ANSWERS, failed: 0 });
    expect(await loadsOf(leader)).toEqual({ books: 6, markets: 7, offers: 1 });
    expect(await loadsOf(follower)).toEqual({ books: 0, markets: 0, offers: 0 });
    for (const path of ['/api/trading/markets', '/api/trading/markets/wind', '/api/offers'])
      expect(await follower.get(path)).toMatchObject({ status: 200 });
    expect(await loadsOf(follower)).toEqual({ books: 0, markets: 0, offers: 0 });
  });

  it('is asked for by each process that has nothing but its own memory', async () => {
    const apps = [await start(QUICKLY), await start(QUICKLY)];
    for (const app of apps) {
      expect(await warmingOf(app)).toEqual({ part: 'leader', warmed: ANSWERS, failed: 0 });
      expect(await loadsOf(app)).toEqual({ books: 6, markets: 7, offers: 1 });
    }
  });

  it('is left while Redis is away, and where nobody wants it', async () => {
    const lonely = await start({ ...QUICKLY, REDIS_URL: (await RedisProcess.absent()).url });
    const unwanted = await start({ CACHE_WARM_LOADS_PER_SECOND: '0' });
    for (const app of [lonely, unwanted])
      expect(await warmingOf(app)).toEqual({ part: 'none', warmed: 0, failed: 0 });
  });

  it('keeps no process from ending', async () => {
    const app = await startApp({ CACHE_WARM_LOADS_PER_SECOND: '1' }, urls); // a quarter of a minute in all
    const { over } = app.nest.get(CacheWarming);
    await app.close();
    expect(await over).toEqual({ part: 'none', warmed: 0, failed: 0 });
  });

  it('does without what cannot be computed, and says so once', async () => {
    const warned: string[] = [];
    const silent = () => undefined;
    // What is slow on a busy machine is told as well, and is no text.
    const warn = (told: unknown) => void (typeof told === 'string' && warned.push(told));
    const logger = { log: silent, error: silent, warn };
    const bootstrap = jest.spyOn(CacheWarming.prototype, 'onApplicationBootstrap');
    // One plan more, there before any is followed, however long the start takes after that.
    bootstrap.mockImplementationOnce(function (this: CacheWarming) {
      this.declare(function* () {
        for (const what of ['one', 'two']) yield () => Promise.reject(new Error(`no ${what}`));
        throw new Error('no more');
      });
      this.onApplicationBootstrap(); // as it is, this time
    });
    const app = await startApp(QUICKLY, urls, logger);
    bootstrap.mockRestore();
    running.push(app);
    expect(await warmingOf(app)).toEqual({ part: 'leader', warmed: ANSWERS, failed: 3 });
    expect(warned.filter((text) => text.includes('when asked for'))).toEqual([
      '3 could not be warmed and will be computed when asked for: Error: no one',
    ]);
  });
});
