import { startApp, type Person, type TestApp } from './support/app';
import { RedisProcess } from './support/cache-lab';
import { until } from './support/eventually';
import { CacheService } from '../src/cache/cache.service';

const LIMIT = 40;

describe('two processes', () => {
  let redis: RedisProcess;
  let processes: TestApp[];
  let person: Person;

  beforeAll(async () => {
    redis = await RedisProcess.start();
    const variables = {
      RATE_LIMIT_ENABLED: 'true',
      RATE_LIMIT_API: String(LIMIT),
      RATE_LIMIT_PUBLIC: String(LIMIT),
      REDIS_URL: redis.url,
    };
    const one = await startApp(variables);
    processes = [one, await startApp(variables, one.urls)];
    person = await one.registers();
    await until(async () => {
      const answering = await Promise.all(processes.map(({ nest }) => nest.get(CacheService).isAnswering()));
      return answering.every(Boolean);
    });
  });
  afterAll(async () => {
    await Promise.all(processes.map((one) => one.close()));
    await redis.stop();
  });

  /** How many of three times the limit each process answers. */
  async function allowed(path: string, as?: Person): Promise<number[]> {
    const asked = processes.map((one) =>
      Promise.all(Array.from({ length: 3 * LIMIT }, () => one.get(path, { as }))),
    );
    return (await Promise.all(asked)).map((answers) => answers.filter(({ status }) => status === 200).length);
  }

  it.each([
    ['a user', '/api/ledger/entries', true],
    ['an address', '/api/trading/markets', false],
  ])('share one limit of %s', async (_who, path, isUser) => {
    const [one = 0, other = 0] = await allowed(path, isUser ? person : undefined);
    expect(one + other).toBe(LIMIT);
  });

  it('limit by themselves while Redis is away', async () => {
    await redis.kill();
    expect(await allowed('/api/meters', person)).toEqual([LIMIT, LIMIT]);
    expect(await allowed('/api/offers')).toEqual([LIMIT, LIMIT]);
  });
});
