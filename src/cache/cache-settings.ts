import type { RedisSettings } from './redis/redis-gate';

/** What the cache is told by the environment. */
export interface CacheSettings {
  /** Of what is set without saying how long it lives. */
  readonly defaultTtlSeconds: number;
  /** Memory of this process that answers may take, about. */
  readonly firstTierBytes: number;
  /** Larger answers are given, and not kept. As JSON. */
  readonly maxValueBytes: number;
  /** Larger answers are deflated in Redis. As JSON. */
  readonly compressAboveBytes: number;
  /** Unset: the memory of this process is all there is. */
  readonly redis?: RedisSettings | undefined;
}

/** Injection token of {@link CacheSettings}. */
export const CACHE_SETTINGS = Symbol('CACHE_SETTINGS');
