import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { InjectDataSource } from '@nestjs/typeorm';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import type { FastifyInstance } from 'fastify';
import type { Counter, Gauge, Histogram } from 'prom-client';
import { DataSource } from 'typeorm';
import { CacheEvents } from '../cache/cache-events';
import { DatabaseService } from '../database/database.service';
import { QueryEvents, type QueryEvent } from '../database/query-events';
import {
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

/** Listens to requests, statements and cache look-ups, and keeps the metrics of them. */
@Injectable()
export class MetricsCollector implements OnModuleInit {
  private readonly tables: ReadonlySet<string>;

  constructor(
    private readonly adapter: HttpAdapterHost,
    private readonly queries: QueryEvents,
    private readonly lookUps: CacheEvents,
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
  ) {
    this.tables = new Set(dataSource.entityMetadatas.map(({ tableName }) => tableName));
  }

  onModuleInit(): void {
    this.queries.subscribe((event) => this.observeQuery(event));
    this.lookUps.subscribe(({ prefix, tier, result }) => this.cacheOperations.inc({ prefix, tier, result }));
    this.observeRequests(this.adapter.httpAdapter.getInstance<FastifyInstance>());
    Object.assign(this.poolSize, { collect: () => this.observePool() });
    Object.assign(this.replicas, { collect: () => this.observeReplicas() });
  }

  private observeQuery({ text, seconds, errorCode }: QueryEvent): void {
    const { operation, entity } = statementKind(text, this.tables);
    this.operations.inc({ operation, entity });
    this.queryDuration.observe({ operation, entity }, seconds);
    if (errorCode !== undefined) this.errors.inc({ code: errorCode });
  }

  /** By the route's template, never the URL; what matches no route is one label. */
  private observeRequests(fastify: FastifyInstance): void {
    fastify.addHook('onRequest', (_request, _reply, done) => {
      this.httpInFlight.inc();
      done();
    });
    fastify.addHook('onResponse', (request, reply, done) => {
      this.httpInFlight.dec();
      const route = request.is404 ? 'none' : (request.routeOptions.url ?? 'none');
      const labels = { method: request.method, route, status: String(reply.statusCode) };
      this.httpDuration.observe(labels, reply.elapsedTime / 1000);
      done();
    });
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
