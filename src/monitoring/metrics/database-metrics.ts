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
import { makeSeriesHistogramProvider, type Series, type SeriesHistogram } from './series-histogram';
import { OTHER_TABLE, statementKind, type StatementKind } from './statement-kind';

const OPERATIONS = 'database_operations_total';
const DURATION = 'database_query_duration_seconds';
const ERRORS = 'database_errors_total';
const POOL_SIZE = 'database_connection_pool_size';
const ACQUIRE = 'database_connection_acquire_seconds';
const REPLICAS = 'database_replicas';
/** Each takes seventeen lines of /metrics: what comes later is told by its operation alone. */
const MOST_KINDS = 120;
const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

export const databaseMetricProviders = [
  makeCounterProvider({
    name: OPERATIONS,
    help: 'Statements by operation and the table they are about',
    labelNames: ['operation', 'entity'],
  }),
  makeSeriesHistogramProvider({
    name: DURATION,
    help: 'Time of statements as the application sees it, by operation and table',
    labelNames: ['operation', 'entity'],
    buckets: SECONDS,
  }),
  makeCounterProvider({
    name: ERRORS,
    help: "Statements that failed, and connections that could not be had, by SQLSTATE, node's code or pool_exhausted",
    labelNames: ['code'],
  }),
  makeGaugeProvider({ name: POOL_SIZE, help: 'Connections of the pool by state', labelNames: ['state'] }),
  makeHistogramProvider({
    name: ACQUIRE,
    help: 'Time that requests waited for a connection of the pool, also in vain',
    buckets: SECONDS,
  }),
  makeGaugeProvider({
    name: REPLICAS,
    help: 'Replicas that are asked, and those left out because they are away or too far behind',
    labelNames: ['state'],
  }),
];

/** Of one kind of statements. */
interface KindSeries {
  readonly operations: ReturnType<Counter['labels']>;
  readonly duration: Series;
}

/** Counts and times statements, and watches the pools. */
@Injectable()
export class DatabaseMetrics implements OnModuleInit {
  private readonly tables: ReadonlySet<string>;
  private readonly series = new Map<string, KindSeries>();

  constructor(
    private readonly queries: QueryEvents,
    private readonly database: DatabaseService,
    @InjectDataSource() dataSource: DataSource,
    @InjectMetric(OPERATIONS) private readonly operations: Counter,
    @InjectMetric(DURATION) private readonly duration: SeriesHistogram,
    @InjectMetric(ERRORS) private readonly errors: Counter,
    @InjectMetric(POOL_SIZE) private readonly poolSize: Gauge,
    @InjectMetric(ACQUIRE) private readonly acquire: Histogram,
    @InjectMetric(REPLICAS) private readonly replicas: Gauge,
  ) {
    this.tables = new Set(dataSource.entityMetadatas.map(({ tableName }) => tableName));
  }

  onModuleInit(): void {
    this.queries.subscribe((event) => this.observe(event));
    this.queries.onAcquired((seconds, errorCode) => {
      this.acquire.observe(seconds);
      if (errorCode !== undefined) this.errors.inc({ code: errorCode });
    });
    Object.assign(this.poolSize, { collect: () => this.observePool() });
    Object.assign(this.replicas, { collect: () => this.observeReplicas() });
  }

  private observe({ text, seconds, errorCode }: QueryEvent): void {
    const series = this.seriesOf(statementKind(text, this.tables));
    series.operations.inc();
    series.duration.observe(seconds);
    if (errorCode !== undefined) this.errors.inc({ code: errorCode });
  }

  private seriesOf({ operation, entity }: StatementKind): KindSeries {
    const key = `${operation} ${entity}`;
    let series = this.series.get(key);
    if (series !== undefined) return series;
    if (this.series.size >= MOST_KINDS && entity !== OTHER_TABLE)
      return this.seriesOf({ operation, entity: OTHER_TABLE });
    series = {
      operations: this.operations.labels(operation, entity),
      duration: this.duration.series(operation, entity),
    };
    this.series.set(key, series);
    return series;
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
