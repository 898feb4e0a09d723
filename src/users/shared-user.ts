import { CacheEvents } from '../cache/cache-events';
import { settingsOf } from '../cache/cache.module';
import { assembleCache } from '../cache/cache-parts';
import { CacheService } from '../cache/cache.service';
import { NoBus } from '../cache/invalidation-bus';
import type { Config } from '../config/config';
import { ofUser } from './users.cache';

/**
 * Drops what running servers share of a user in Redis, for a command that changed the database beside them. Without
 * Redis nothing is shared that decides who may come in.
 * @returns whether Redis took it
 */
export async function dropSharedUser(config: Config, userId: string): Promise<boolean> {
  if (config.environment.REDIS_URL === undefined) return true;
  const cache = new CacheService(assembleCache(settingsOf(config), new CacheEvents(), new NoBus()));
  try {
    await cache.onModuleInit();
    await cache.invalidate([ofUser(userId)]);
    return await cache.isAnswering();
  } finally {
    await cache.onApplicationShutdown();
  }
}
