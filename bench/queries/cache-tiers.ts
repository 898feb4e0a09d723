import { setTimeout as delay } from 'node:timers/promises';
import type { CacheStore } from '../../src/cache/cache-store';
import { MemoryStore } from '../../src/cache/memory.store';
import { RedisStore } from '../../src/cache/redis.store';
import { environmentSchema } from '../../src/config/environment';
import { ExplainedError } from '../../src/database/explained-error';
import { startThrowAwayRedis } from '../throw-away-redis';

const LOOK_MS = 10;

/** The caches that are measured. */
export interface CacheTiers {
  readonly stores: readonly CacheStore[];
  close(): Promise<void>;
}

/**
 * The cache of this process, and that of Redis: the one of REDIS_URL, else one of our own where redis-server is on PATH.
 * @throws ExplainedError when the Redis of REDIS_URL does not answer
 */
export async function openCacheTiers(say: (sentence: string) => void): Promise<CacheTiers> {
  const memory = new MemoryStore();
  const given = redisOfEnvironment();
  const own = given.url === undefined ? await startThrowAwayRedis() : undefined;
  const url = given.url ?? own?.url;
  if (url === undefined) {
    say('REDIS_URL is not set and redis-server is not on PATH: the cache in Redis is not measured.');
    return { stores: [memory], close: () => memory.close() };
  }
  const redis = RedisStore.connect(url, given.connectTimeoutMs);
  const close = async (): Promise<void> => {
    await redis.close();
    await own?.remove();
  };
  try {
    await untilReady(redis, given.connectTimeoutMs);
    return { stores: [memory, redis], close };
  } catch (error) {
    await close();
    throw error;
  }
}

function redisOfEnvironment(): { url: string | undefined; connectTimeoutMs: number } {
  const shape = environmentSchema.pick({ REDIS_URL: true, REDIS_CONNECT_TIMEOUT_MS: true });
  const { data, error } = shape.safeParse({
    REDIS_URL: process.env['REDIS_URL'] || undefined,
    REDIS_CONNECT_TIMEOUT_MS: process.env['REDIS_CONNECT_TIMEOUT_MS'] || undefined,
  });
  if (data !== undefined) return { url: data.REDIS_URL, connectTimeoutMs: data.REDIS_CONNECT_TIMEOUT_MS };
  const wrong = error.issues.map(({ path, message }) => `${path.join('.')} ${message}`);
  throw new ExplainedError(wrong.join('; '));
}

async function untilReady(redis: RedisStore, timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!redis.isReady) {
    if (performance.now() > deadline)
      throw new ExplainedError(
        `Redis did not answer within ${timeoutMs} ms: start it, or leave REDIS_URL out to measure with one of our own`,
      );
    await delay(LOOK_MS);
  }
}
