import { setTimeout as delay } from 'node:timers/promises';
import type { CacheEntry } from '../../src/cache/cache-entry';
import { CacheEvents } from '../../src/cache/cache-events';
import { assembleCache } from '../../src/cache/cache-parts';
import { CacheService } from '../../src/cache/cache.service';
import { NoBus } from '../../src/cache/invalidation-bus';
import { environmentSchema } from '../../src/config/environment';
import { ExplainedError } from '../../src/database/explained-error';
import type { Listing } from './listing';

const LOOK_MS = 5;
const CONNECT_MS = 5_000;
export const TTL_SECONDS = 900;
/** Waiting a little too long is no failure of what is measured here. */
const PATIENT_MS = 2_000;

/** A page of the list under a key and a tag, as a domain declares it. */
export const pageEntry = (prefix: string, page: string): CacheEntry<Listing> => ({
  key: [prefix, page],
  ttlSeconds: TTL_SECONDS,
  tags: [prefix],
});

/** The application's cache with its own settings, but for what is given; in memory alone where no Redis is named. */
export async function ourCache(options: {
  readonly redisUrl?: string;
  readonly firstTierBytes?: number;
}): Promise<CacheService> {
  const defaults = environmentSchema.parse({});
  const { redisUrl } = options;
  const parts = assembleCache(
    {
      defaultTtlSeconds: defaults.CACHE_DEFAULT_TTL_S,
      firstTierBytes: options.firstTierBytes ?? defaults.CACHE_L1_MAX_BYTES,
      maxValueBytes: defaults.CACHE_MAX_VALUE_BYTES,
      compressAboveBytes: defaults.CACHE_COMPRESS_ABOVE_BYTES,
      redis:
        redisUrl === undefined
          ? undefined
          : { url: redisUrl, connectTimeoutMs: CONNECT_MS, commandTimeoutMs: PATIENT_MS },
    },
    new CacheEvents(),
    new NoBus(),
  );
  const cache = new CacheService(parts);
  await untilAnswering(cache);
  return cache;
}

async function untilAnswering(cache: CacheService): Promise<void> {
  const deadline = performance.now() + CONNECT_MS;
  while (!(await cache.isAnswering())) {
    if (performance.now() > deadline) {
      await cache.onApplicationShutdown();
      throw new ExplainedError(
        `Redis did not answer within ${CONNECT_MS} ms: start it, or leave REDIS_URL out to measure with one of our own`,
      );
    }
    await delay(LOOK_MS);
  }
}
