import type { CacheEntry } from '../../cache/cache-entry';
import type { DeepHealth } from './part-health';

/** The deep check tells of the server, not of a process: where there is Redis, all processes share one look. */
export const deepHealth: CacheEntry<DeepHealth> = { key: ['health:check'], ttlSeconds: 30, tags: [] };
