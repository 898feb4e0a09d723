import { setTimeout as delay } from 'node:timers/promises';
import { CacheEvents } from '../../src/cache/cache-events';
import { assembleCache } from '../../src/cache/cache-parts';
import type { CacheSettings } from '../../src/cache/cache-settings';
import { CacheService } from '../../src/cache/cache.service';
import { NoBus } from '../../src/cache/invalidation-bus';
import type { RedisSettings } from '../../src/cache/redis/redis-gate';
import { environmentSchema } from '../../src/config/environment';
import { ExplainedError } from '../../src/database/explained-error';
import { startThrowAwayRedis } from '../throw-away-redis';

const LOOK_MS = 10;
const MEMORY_BYTES = 1024 ** 3;

/** One tier of the application's cache alone. */
export interface CacheTier {
  readonly tier: 'memory' | 'redis';
  readonly cache: CacheService;
}

/** The caches that are measured. */
export interface CacheTiers {
  readonly tiers: readonly CacheTier[];
  close(): Promise<void>;
}

/**
 * The cache of this process, and that of Redis: the one of REDIS_URL, else one of our own where redis-server is on PATH.
 * @throws ExplainedError when the Redis of REDIS_URL does not answer
 */
export async function openCacheTiers(say: (sentence: string) => void): Promise<CacheTiers> {
  const memory = memoryTier();
  const given = redisOfEnvironment();
  const own = given.REDIS_URL === undefined ? await startThrowAwayRedis() : undefined;
  const url = given.REDIS_URL ?? own?.url;
  if (url === undefined) {
    say('REDIS_URL is not set and redis-server is not on PATH: the cache in Redis is not measured.');
    return { tiers: [memory], close: () => memory.cache.onApplicationShutdown() };
  }
  const redis = redisTier({
    url,
    connectTimeoutMs: given.REDIS_CONNECT_TIMEOUT_MS,
    commandTimeoutMs: given.REDIS_COMMAND_TIMEOUT_MS,
  });
  const close = async (): Promise<void> => {
    for (const { cache } of [memory, redis]) await cache.onApplicationShutdown();
    await own?.remove();
  };
  try {
    await untilReady(redis.cache, given.REDIS_CONNECT_TIMEOUT_MS);
    return { tiers: [memory, redis], close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Answers in the memory of this process, as many as come. */
export const memoryTier = (): CacheTier => ({
  tier: 'memory',
  cache: new CacheService(assembleCache(settings(MEMORY_BYTES), new CacheEvents(), new NoBus())),
});

/** Without a first tier: each answer comes from Redis. */
const redisTier = (redis: RedisSettings): CacheTier => ({
  tier: 'redis',
  cache: new CacheService(assembleCache({ ...settings(0), redis }, new CacheEvents(), new NoBus())),
});

function settings(firstTierBytes: number): CacheSettings {
  const { CACHE_DEFAULT_TTL_S, CACHE_MAX_VALUE_BYTES, CACHE_COMPRESS_ABOVE_BYTES } = environmentSchema.parse(
    {},
  );
  return {
    defaultTtlSeconds: CACHE_DEFAULT_TTL_S,
    firstTierBytes,
    maxValueBytes: CACHE_MAX_VALUE_BYTES,
    compressAboveBytes: CACHE_COMPRESS_ABOVE_BYTES,
  };
}

function redisOfEnvironment() {
  const shape = environmentSchema.pick({
    REDIS_URL: true,
    REDIS_CONNECT_TIMEOUT_MS: true,
    REDIS_COMMAND_TIMEOUT_MS: true,
  });
  const names = Object.keys(shape.shape);
  const given = Object.fromEntries(names.map((name) => [name, process.env[name] || undefined]));
  const { data, error } = shape.safeParse(given);
  if (data !== undefined) return data;
  const wrong = error.issues.map(({ path, message }) => `${path.join('.')} ${message}`);
  throw new ExplainedError(wrong.join('; '));
}

async function untilReady(cache: CacheService, timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await cache.isAnswering())) {
    if (performance.now() > deadline)
      throw new ExplainedError(
        `Redis did not answer within ${timeoutMs} ms: start it, or leave REDIS_URL out to measure with one of our own`,
      );
    await delay(LOOK_MS);
  }
}
