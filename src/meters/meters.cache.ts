import type { CacheEntry } from '../cache/cache-entry';
import type { MeterStats } from './meter-views';

/** Dropped by every reading that counts and by every mint of a user. */
export const statsTag = (userId: string): string => `meter:stats:${userId}`;

/** What a user's meters counted in all. */
export const meterStats = (userId: string): CacheEntry<MeterStats> => ({
  key: ['meter:stats', userId],
  ttlSeconds: 600,
  tags: [statsTag(userId)],
});
