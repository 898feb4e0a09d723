import { formatMilliseconds } from '../../../common/figures';
import { fail, judgedByServer, pass, warn, type Box, type Guide, type Verdict } from '../box';
import type { Sight } from '../sight';

/** The four that the guide names, and what alerts are made of. */
const METRICS = [
  'http_request_duration_seconds',
  'database_operations_total',
  'database_query_duration_seconds',
  'database_connection_pool_size',
  'database_cache_hit_ratio',
  'cache_operations_total',
  'trading_operations_total',
];
/** Prometheus asks every 15 seconds or every minute; longer apart it does not look. */
const LATE_MS = 5 * 60_000;
/** A log of what takes longer than that misses what people notice. */
const LATE_LOG_MS = 1_000;
const SCRAPE =
  'Let Prometheus scrape /metrics (monitoring/prometheus.yml), from elsewhere with METRICS_TOKEN';

const metricsEnabled: Box = {
  box: 'Monitoring metrics enabled',
  guide: 'Performance Optimization Guide',
  judge: judgedByServer(({ metrics }, { environment }) => {
    if (!environment.METRICS_ENABLED)
      return fail('METRICS_ENABLED=false: nothing is counted', 'Set METRICS_ENABLED to true');
    const missing = METRICS.filter((name) => !metrics.has(name));
    if (missing.length > 0)
      return fail(
        `/metrics lacks ${missing.join(', ')}`,
        'Look in the log of the start for what kept them away',
      );
    const { scrapedAt } = metrics;
    if (scrapedAt === undefined) return fail('/metrics was never asked for since this process began', SCRAPE);
    const ago = Date.now() - scrapedAt.getTime();
    const evidence = `/metrics was last asked for ${formatMilliseconds(ago)} ago`;
    return ago > LATE_MS
      ? fail(evidence, SCRAPE)
      : pass(`all ${METRICS.length} metrics are there, and ${evidence}`);
  }),
};

/** Nothing runs longer than the limit of statements: a log of what does stays empty. */
function judgeSlowLog({ environment }: Sight): Verdict {
  const { DB_SLOW_QUERY_MS: threshold, DB_STATEMENT_TIMEOUT_MS: limit } = environment;
  const evidence = `statements are logged from ${threshold} ms on, and ended after ${limit} ms`;
  const remedy = 'Set DB_SLOW_QUERY_MS to 200';
  if (threshold >= limit) return fail(`${evidence}: none is ever logged`, remedy);
  if (threshold > LATE_LOG_MS) return warn(`${evidence}: what people notice is not logged`, remedy);
  if (threshold === 0) return warn(`${evidence}: all of them, which buries the slow ones`, remedy);
  return pass(evidence);
}

const slowLog = (guide: Guide): Box => ({ box: 'Slow query logging enabled', guide, judge: judgeSlowLog });

export const observationBoxes: readonly Box[] = [
  metricsEnabled,
  slowLog('Performance Optimization Guide'),
  slowLog('Database Performance Optimization'),
];
