import { makeCounterProvider, makeGaugeProvider, makeHistogramProvider } from '@willsoto/nestjs-prometheus';

/** Names of the metrics that no domain owns; labels are bounded, never a URL, key, user or SQL text. */
export const HTTP_DURATION = 'http_request_duration_seconds';
export const HTTP_IN_FLIGHT = 'http_requests_in_flight';
export const DATABASE_OPERATIONS = 'database_operations_total';
export const DATABASE_DURATION = 'database_query_duration_seconds';
export const DATABASE_ERRORS = 'database_errors_total';
export const POOL_SIZE = 'database_connection_pool_size';
export const REPLICAS = 'database_replicas';
export const CACHE_OPERATIONS = 'cache_operations_total';
export const CACHE_DURATION = 'cache_operation_duration_seconds';
export const CACHE_BREAKER = 'cache_breaker_open';

export const metricProviders = [
  makeHistogramProvider({
    name: HTTP_DURATION,
    help: 'Time from request to answer by method, route template and status',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  }),
  makeGaugeProvider({ name: HTTP_IN_FLIGHT, help: 'Requests that are being answered' }),
  makeCounterProvider({
    name: DATABASE_OPERATIONS,
    help: 'Statements by operation and the table they are about',
    labelNames: ['operation', 'entity'],
  }),
  makeHistogramProvider({
    name: DATABASE_DURATION,
    help: 'Time of statements as the application sees it, by operation and table',
    labelNames: ['operation', 'entity'],
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
  }),
  makeCounterProvider({
    name: DATABASE_ERRORS,
    help: 'Failed statements by SQLSTATE',
    labelNames: ['code'],
  }),
  makeGaugeProvider({ name: POOL_SIZE, help: 'Connections of the pool by state', labelNames: ['state'] }),
  makeGaugeProvider({
    name: REPLICAS,
    help: 'Replicas that are asked, and those left out because they are away or too far behind',
    labelNames: ['state'],
  }),
  makeCounterProvider({
    name: CACHE_OPERATIONS,
    help: 'Cache look-ups by key prefix, tier and result',
    labelNames: ['prefix', 'tier', 'result'],
  }),
  makeHistogramProvider({
    name: CACHE_DURATION,
    help: 'Time of reading from and writing to Redis and of computing answers, by key prefix',
    labelNames: ['prefix', 'operation'],
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
  }),
  makeGaugeProvider({
    name: CACHE_BREAKER,
    help: '1 while Redis is away and answers are computed, 0.5 while it is being tried, 0 while it is used',
  }),
];
