import { CacheMetrics, cacheMetricProviders } from './cache-metrics';
import { DatabaseMetrics, databaseMetricProviders } from './database-metrics';
import { HttpMetrics, httpMetricProviders } from './http-metrics';
import { ProcessMetrics, processMetricProviders } from './process-metrics';
import { ScrapeFigures, scrapeFiguresMetricProvider } from './scrape-figures';
import { ServerMetrics, serverMetricProviders } from './server-metrics';

/** The metrics that no domain owns. Labels are bounded: never a URL, key, user or SQL text. */
export const metrics = [
  HttpMetrics,
  ScrapeFigures,
  scrapeFiguresMetricProvider,
  ...httpMetricProviders,
  ...databaseMetricProviders,
  ...cacheMetricProviders,
  ...processMetricProviders,
  ...serverMetricProviders,
];

/** Who looks on and counts, where that is wanted. */
export const observers = [DatabaseMetrics, CacheMetrics, ProcessMetrics, ServerMetrics];
