import { Quota } from '../src/cache/quota';
import { newId } from '../src/common/id';
import { closeCaches, connectedCache, RedisProcess } from './support/cache-lab';

const PROCESSES = 30;
const MINUTE_MS = 60_000;

describe('a limit that many processes share', () => {
  let redis: RedisProcess;

  beforeAll(async () => {
    redis = await RedisProcess.start();
  });
  afterEach(closeCaches);
  afterAll(() => redis.stop());

  /** As so many processes have them: shares of their own, counted in one Redis. */
  async function quotas(): Promise<Quota[]> {
    const { parts } = await connectedCache({ url: redis.url });
    return Array.from({ length: PROCESSES }, () => new Quota(parts.counters));
  }

  it.each([20, 100, 600])('of %d is used up to the last one when the work is spread', async (limit) => {
    const all = await quotas();
    const key = newId();
    let allowed = 0;
    for (let taken = 0; taken < 2 * limit; taken++) {
      const quota = all[taken % PROCESSES] as Quota;
      if ((await quota.take(key, { limit, windowMs: MINUTE_MS })).allowed) allowed++;
    }
    expect(allowed).toBeLessThanOrEqual(limit);
    expect(allowed).toBeGreaterThanOrEqual(limit - Math.ceil(limit / 20));
  });

  it('lets each of them through before any of them has taken much', async () => {
    const key = newId();
    const limit = { limit: 60, windowMs: MINUTE_MS };
    for (const quota of await quotas()) expect(await quota.take(key, limit)).toMatchObject({ allowed: true });
  });

  it('asks Redis a few times for however many ask at once in one process', async () => {
    const { parts } = await connectedCache({ url: redis.url });
    const quota = new Quota(parts.counters);
    const increments = jest.spyOn(parts.counters, 'increment');
    const key = newId();
    const limit = { limit: 600, windowMs: MINUTE_MS };
    const taken = await Promise.all(Array.from({ length: 5_000 }, async () => quota.take(key, limit)));
    expect(taken.filter(({ allowed }) => allowed)).toHaveLength(600);
    expect(increments.mock.calls.length).toBeLessThanOrEqual(3);
    expect(quota.spent(key)).toMatchObject({ allowed: false, remaining: 0 });
  });

  it('takes no more ahead than so many wait for, and the share that is due', async () => {
    const { parts } = await connectedCache({ url: redis.url });
    const [quota, other] = [new Quota(parts.counters), new Quota(parts.counters)];
    const key = newId();
    const limit = { limit: 600, windowMs: MINUTE_MS };
    await Promise.all(Array.from({ length: 100 }, async () => quota.take(key, limit)));
    expect(await other.take(key, limit)).toMatchObject({ allowed: true, remaining: 499 });
  });

  it('lets through no more when all of them ask at once', async () => {
    const all = await quotas();
    const key = newId();
    const asked = Array.from({ length: 3_000 }, async (_one, index) =>
      (all[index % PROCESSES] as Quota).take(key, { limit: 500, windowMs: MINUTE_MS }),
    );
    const taken = await Promise.all(asked);
    expect(taken.filter(({ allowed }) => allowed)).toHaveLength(500);
  });
});
