import { hostname } from 'node:os';
import type { CacheReport } from '../../cache/cache.service';
import type { PrefixStatistics, TierStatistics } from '../../cache/cache-statistics';
import type { RedisServerStatistics } from '../../cache/redis/redis-server-statistics';

/** Which process counted: each one counts for itself, from its start on. */
export interface CountingProcess {
  readonly id: number;
  readonly host: string;
  readonly uptimeSeconds: number;
}

/** What one tier did under one prefix; `hitRate` is from 0 to 1, and null before the first look-up. */
export interface TierView extends TierStatistics {
  readonly hitRate: number | null;
}

export interface PrefixView {
  readonly prefix: string;
  readonly loads: number;
  readonly loadErrors: number;
  /** In all; the mean is null before the first. */
  readonly loadSeconds: number;
  readonly meanLoadMs: number | null;
  /** Values that were not kept: larger than may be, or no plain JSON. */
  readonly tooLarge: number;
  readonly notPlain: number;
  readonly memory: TierView;
  /** Null without Redis. */
  readonly redis: TierView | null;
}

/** What the cache of one process did; Redis' own figures are of the whole server. */
export interface CacheReportView {
  readonly process: CountingProcess;
  readonly hits: number;
  readonly misses: number;
  readonly hitRate: number | null;
  readonly memory: CacheReport['memory'];
  readonly redis: {
    readonly breaker: string;
    readonly refusedForMemory: number;
    /** Null while it is away. */
    readonly server: RedisServerStatistics | null;
  } | null;
  readonly prefixes: readonly PrefixView[];
}

export function cacheReportView({ hits, misses, memory, redis, prefixes }: CacheReport): CacheReportView {
  return {
    process: { id: process.pid, host: hostname(), uptimeSeconds: Math.floor(process.uptime()) },
    hits,
    misses,
    hitRate: share(hits, misses),
    memory,
    redis: redis === undefined ? null : { ...redis, server: redis.server ?? null },
    prefixes: prefixes
      .map((prefix) => prefixView(prefix, redis !== undefined))
      .sort((one, other) => (one.prefix < other.prefix ? -1 : 1)),
  };
}

function prefixView(counts: PrefixStatistics, isShared: boolean): PrefixView {
  const { prefix, loads, loadErrors, loadSeconds, tooLarge, notPlain, memory, redis } = counts;
  return {
    prefix,
    loads,
    loadErrors,
    loadSeconds: rounded(loadSeconds),
    meanLoadMs: loads === 0 ? null : rounded((loadSeconds * 1000) / loads),
    tooLarge,
    notPlain,
    memory: tierView(memory),
    redis: isShared ? tierView(redis) : null,
  };
}

/** What was given out stale was given out all the same. */
const tierView = (counts: TierStatistics): TierView => ({
  ...counts,
  hitRate: share(counts.hits + counts.stale, counts.misses),
});

const share = (hits: number, misses: number): number | null =>
  hits + misses === 0 ? null : rounded(hits / (hits + misses));

const rounded = (value: number): number => Math.round(value * 1e6) / 1e6;
