import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { InjectDataSource } from '@nestjs/typeorm';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Counter, Gauge, Histogram } from 'prom-client';
import { DataSource } from 'typeorm';
import { CacheEvents, type CacheEvent } from '../cache/cache-events';
import { CacheService } from '../cache/cache.service';
import type { TierStatistics } from '../cache/cache-statistics';
import { DatabaseService } from '../database/database.service';
import { QueryEvents, type QueryEvent } from '../database/query-events';
import {
  CACHE_BREAKER,
  CACHE_DURATION,
  CACHE_OPERATIONS,
  DATABASE_DURATION,
  DATABASE_ERRORS,
  DATABASE_OPERATIONS,
  HTTP_DURATION,
  HTTP_IN_FLIGHT,
  POOL_SIZE,
  REPLICAS,
} from './metrics.providers';
import { statementKind } from './statement-kind';

const BREAKER = { closed: 0, 'half-open': 0.5, open: 1 } as const;

type Observed = FastifyRequest & { isInFlight?: boolean };

/** Listens to requests, statements and cache look-ups, and keeps the metrics of them. */
@Injectable()
export class MetricsCollector implements OnModuleInit {
  private readonly tables: ReadonlySet<string>;

  constructor(
    private readonly adapter: HttpAdapterHost,
    private readonly queries: QueryEvents,
    private readonly cacheEvents: CacheEvents,
    private readonly cache: CacheService,
    private readonly database: DatabaseService,
    @InjectDataSource() dataSource: DataSource,
    @InjectMetric(HTTP_DURATION) private readonly httpDuration: Histogram,
    @InjectMetric(HTTP_IN_FLIGHT) private readonly httpInFlight: Gauge,
    @InjectMetric(DATABASE_OPERATIONS) private readonly operations: Counter,
    @InjectMetric(DATABASE_DURATION) private readonly queryDuration: Histogram,
    @InjectMetric(DATABASE_ERRORS) private readonly errors: Counter,
    @InjectMetric(POOL_SIZE) private readonly poolSize: Gauge,
    @InjectMetric(REPLICAS) private readonly replicas: Gauge,
    @InjectMetric(CACHE_OPERATIONS) private readonly cacheOperations: Counter,
    @InjectMetric(CACHE_DURATION) private readonly cacheDuration: Histogram,
    @InjectMetric(CACHE_BREAKER) private readonly cacheBreaker: Gauge,
  ) {
    this.tables = new Set(dataSource.entityMetadatas.map(({ tableName }) => tableName));
  }

  onModuleInit(): void {
    this.queries.subscribe((event) => this.observeQuery(event));
    this.cacheEvents.subscribe((event) => this.observeCache(event));
    this.cacheBreaker.set(BREAKER[this.cache.breaker ?? 'closed']); // it may have opened before anybody listened
    this.observeRequests(this.adapter.httpAdapter.getInstance<FastifyInstance>());
    Object.assign(this.poolSize, { collect: () => this.observePool() });
    Object.assign(this.replicas, { collect: () => this.observeReplicas() });
    Object.assign(this.cacheOperations, { collect: () => this.countCache() });
  }

  private observeQuery({ text, seconds, errorCode }: QueryEvent): void {
    const { operation, entity } = statementKind(text, this.tables);
    this.operations.inc({ operation, entity });
    this.queryDuration.observe({ operation, entity }, seconds);
    if (errorCode !== undefined) this.errors.inc({ code: errorCode });
  }

  /** By the route's template, never the URL; what matches no route is one label. */
  private observeRequests(fastify: FastifyInstance): void {
    // Not those that are answered before they come this far: by a limit, or from the cache.
    fastify.decorateRequest('isInFlight', false);
    fastify.addHook('onRequest', (request: Observed, _reply, done) => {
      request.isInFlight = true;
      this.httpInFlight.inc();
      done();
    });
    fastify.addHook('onResponse', (request: Observed, reply, done) => {
      if (request.isInFlight === true) this.httpInFlight.dec();
      const route = request.is404 ? 'none' : (request.routeOptions.url ?? 'none');
      const labels = { method: request.method, route, status: String(reply.statusCode) };
      this.httpDuration.observe(labels, reply.elapsedTime / 1000);
      done();
    });
  }

  private observeCache(event: CacheEvent): void {
    if (event.kind === 'breaker') this.cacheBreaker.set(BREAKER[event.state]);
    else this.cacheDuration.observe({ prefix: event.prefix, operation: event.operation }, event.seconds);
  }

  /** The cache counts by itself: a look-up in memory takes less time than a labelled counter. */
  private countCache(): void {
    this.cacheOperations.reset();
    for (const { prefix, memory, redis, tooLarge } of this.cache.statistics.all()) {
      this.countTier(prefix, 'memory', memory);
      if (this.cache.isShared) this.countTier(prefix, 'redis', redis);
      if (tooLarge > 0) this.cacheOperations.inc({ prefix, tier: 'all', result: 'too_large' }, tooLarge);
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
      if (count > 0) this.cacheOperations.inc({ prefix, tier, result }, count);
  }

  private observePool(): void {
    const { total, idle, waiting } = this.database.poolState();
    this.poolSize.set({ state: 'total' }, total);
    this.poolSize.set({ state: 'idle' }, idle);
    this.poolSize.set({ state: 'active' }, total - idle);
    this.poolSize.set({ state: 'waiting' }, waiting);
  }

  private observeReplicas(): void {
    const { used, leftOut } = this.database.poolState().replicas;
    this.replicas.set({ state: 'used' }, used);
    this.replicas.set({ state: 'left_out' }, leftOut);
  }
}
