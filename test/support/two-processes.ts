import { CacheService } from '../../src/cache/cache.service';
import { startApp, type Answer, type Person, type TestApp } from './app';
import { RedisProcess } from './cache-lab';
import { eventually, until } from './eventually';

/** How processes hear of what another one changed. */
export type Bus = 'Redis' | 'PostgreSQL';

/** Two applications on one database, each with a memory of its own, that tell each other what changed. */
export class TwoProcesses {
  private constructor(
    readonly one: TestApp,
    readonly two: TestApp,
    private readonly redis: RedisProcess | undefined,
  ) {}

  static async start(bus: Bus): Promise<TwoProcesses> {
    const redis = bus === 'Redis' ? await RedisProcess.start() : undefined;
    const variables: Record<string, string> = redis === undefined ? {} : { REDIS_URL: redis.url };
    const one = await startApp(variables);
    return new TwoProcesses(one, await startApp(variables, one.urls), redis);
  }

  get redisUrl(): string {
    if (this.redis === undefined) throw new Error('These processes have no Redis');
    return this.redis.url;
  }

  async stop(): Promise<void> {
    await this.one.close();
    await this.two.close();
    await this.redis?.stop();
  }

  /** Reads in both until the cache of each answers without computing anything. */
  async warm(path: string, as?: Person): Promise<void> {
    for (const app of [this.one, this.two]) {
      const { statistics } = app.nest.get(CacheService);
      await until(async () => {
        const before = statistics.hitRate();
        await app.get(path, { as });
        const after = statistics.hitRate();
        return after.misses === before.misses && after.hits > before.hits;
      });
    }
  }

  /**
   * Warms both, lets the first one write, and reads: the first one has to know at once, the other one as soon as the
   * message has come.
   * @returns what both answer in the end
   */
  async afterWriting(path: string, write: () => Promise<unknown>, as?: Person): Promise<Answer[]> {
    await this.warm(path, as);
    const before = await this.two.get(path, { as });
    await write();
    const own = await this.one.get(path, { as });
    const others = await eventually(
      () => this.two.get(path, { as }),
      ({ status, body }) => status !== before.status || JSON.stringify(body) !== JSON.stringify(before.body),
    );
    return [own, others];
  }
}

/** @throws Error unless the route does what it is asked for */
export async function done(answer: Promise<Answer>): Promise<any> {
  const { status, body } = await answer;
  if (status >= 300) throw new Error(`${status}: ${JSON.stringify(body)}`);
  return body;
}
