import { Injectable, type OnModuleInit } from '@nestjs/common';
import {
  InjectMetric,
  makeCounterProvider,
  makeGaugeProvider,
  makeHistogramProvider,
} from '@willsoto/nestjs-prometheus';
import type { Counter, Gauge, Histogram } from 'prom-client';
import { CacheEvents, type CacheEvent } from '../../cache/cache-events';
import type { TierStatistics } from '../../cache/cache-statistics';
import { CacheService } from '../../cache/cache.service';

const OPERATIONS = 'cache_operations_total';
const DURATION = 'cache_operation_duration_seconds';
const BREAKER_OPEN = 'cache_breaker_open';

export const cacheMetricProviders = [
  makeCounterProvider({
    name: OPERATIONS,
    help: 'Cache look-ups by key prefix, tier and result',
    labelNames: ['prefix', 'tier', 'result'],
  }),
  makeHistogramProvider({
    name: DURATION,
    help: 'Time of reading from and writing to Redis and of computing answers, by key prefix',
    labelNames: ['prefix', 'operation'],
    buckets: [0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25],
  }),
  makeGaugeProvider({
    name: BREAKER_OPEN,
    help: '1 while Redis is away and answers are computed, 0.5 while it is being tried, 0 while it is used',
  }),
];

const BREAKER = { closed: 0, 'half-open': 0.5, open: 1 } as const;

/** Counts what the cache gave out, and tells whether Redis is used. */
@Injectable()
export class CacheMetrics implements OnModuleInit {
  constructor(
    private readonly events: CacheEvents,
    private readonly cache: CacheService,
    @InjectMetric(OPERATIONS) private readonly operations: Counter,
    @InjectMetric(DURATION) private readonly duration: Histogram,
    @InjectMetric(BREAKER_OPEN) private readonly breaker: Gauge,
  ) {}

  onModuleInit(): void {
    this.events.subscribe((event) => this.observe(event));
    this.breaker.set(BREAKER[this.cache.breaker ?? 'closed']); // it may have opened before anybody listened
    Object.assign(this.operations, { collect: () => this.count() });
  }

  private observe(event: CacheEvent): void {
    if (event.kind === 'breaker') this.breaker.set(BREAKER[event.state]);
    else this.duration.observe({ prefix: event.prefix, operation: event.operation }, event.seconds);
  }

  /** The cache counts by itself: a look-up in memory takes less time than a labelled counter. */
  private count(): void {
    this.operations.reset();
    for (const { prefix, memory, redis, tooLarge } of this.cache.statistics.all()) {
      this.countTier(prefix, 'memory', memory);
      if (this.cache.isShared) this.countTier(prefix, 'redis', redis);
      if (tooLarge > 0) this.operations.inc({ prefix, tier: 'all', result: 'too_large' }, tooLarge);
    }
  }

  private countTier(prefix: string, tier: string, counts: TierStatistics): void {
    const results = {
      hit: counts.hits,
      miss: counts.misses,
      stale: counts.stale,
      error: counts.errors,
      evicted: counts.evictions,
    };
    for (const [result, count] of Object.entries(results))
      if (count > 0) this.operations.inc({ prefix, tier, result }, count);
  }
}
