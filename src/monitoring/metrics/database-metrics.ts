import { Injectable, type OnModuleInit } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import {
  InjectMetric,
  makeCounterProvider,
  makeGaugeProvider,
  makeHistogramProvider,
} from '@willsoto/nestjs-prometheus';
import type { Counter, Gauge, Histogram } from 'prom-client';
import { DataSource } from 'typeorm';
import { DatabaseService } from '../../database/database.service';
import { QueryEvents, type QueryEvent } from '../../database/query-events';
import { statementKind } from './statement-kind';

const OPERATIONS = 'database_operations_total';
const DURATION = 'database_query_duration_seconds';
const ERRORS = 'database_errors_total';
const POOL_SIZE = 'database_connection_pool_size';
const ACQUIRE = 'database_connection_acquire_seconds';
const REPLICAS = 'database_replicas';
const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

export const databaseMetricProviders = [
  makeCounterProvider({
    name: OPERATIONS,
    help: 'Statements by operation and the table they are about',
    labelNames: ['operation', 'entity'],
  }),
  makeHistogramProvider({
    name: DURATION,
    help: 'Time of statements as the application sees it, by operation and table',
    labelNames: ['operation', 'entity'],
    buckets: SECONDS,
  }),
  makeCounterProvider({ name: ERRORS, help: 'Failed statements by SQLSTATE', labelNames: ['code'] }),
  makeGaugeProvider({ name: POOL_SIZE, help: 'Connections of the pool by state', labelNames: ['state'] }),
  makeHistogramProvider({
    name: ACQUIRE,
    help: 'Time that requests waited for a connection of the pool',
    buckets: SECONDS,
  }),
  makeGaugeProvider({
    name: REPLICAS,
    help: 'Replicas that are asked, and those left out because they are away or too far behind',
    labelNames: ['state'],
  }),
];

/** Counts and times statements, and watches the pools. */
@Injectable()
export class DatabaseMetrics implements OnModuleInit {
  private readonly tables: ReadonlySet<string>;

  constructor(
    private readonly queries: QueryEvents,
    private readonly database: DatabaseService,
    @InjectDataSource() dataSource: DataSource,
    @InjectMetric(OPERATIONS) private readonly operations: Counter,
    @InjectMetric(DURATION) private readonly duration: Histogram,
    @InjectMetric(ERRORS) private readonly errors: Counter,
    @InjectMetric(POOL_SIZE) private readonly poolSize: Gauge,
    @InjectMetric(ACQUIRE) private readonly acquire: Histogram,
    @InjectMetric(REPLICAS) private readonly replicas: Gauge,
  ) {
    this.tables = new Set(dataSource.entityMetadatas.map(({ tableName }) => tableName));
  }

  onModuleInit(): void {
    this.queries.subscribe((event) => this.observe(event));
    this.queries.onAcquired((seconds) => this.acquire.observe(seconds));
    Object.assign(this.poolSize, { collect: () => this.observePool() });
    Object.assign(this.replicas, { collect: () => this.observeReplicas() });
  }

  private observe({ text, seconds, errorCode }: QueryEvent): void {
    const { operation, entity } = statementKind(text, this.tables);
    this.operations.inc({ operation, entity });
    this.duration.observe({ operation, entity }, seconds);
    if (errorCode !== undefined) this.errors.inc({ code: errorCode });
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
