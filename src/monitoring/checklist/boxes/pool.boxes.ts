import { formatCount, formatShare } from '../../../common/figures';
import { fail, judgedByServer, notJudged, ofFindings, pass, warn, type Box } from '../box';

/** Waiting that people notice; opening a connection takes some milliseconds. */
const LONG_WAIT_SECONDS = 0.1;
const SOME_WAIT_LONG = 0.01;
const ENOUGH_TO_JUDGE = 100;
const HOLDERS = 'npm run db:report -- long-running and locks show what holds the connections';

const poolConfigured: Box = {
  box: 'Connection pool configured',
  guide: 'Performance Optimization Guide',
  judge: judgedByServer(async ({ metrics }, { source, environment }) => {
    const { total = 0, idle = 0, waiting = 0, limit = 0 } = source.pool ?? {};
    const state = `${total - idle} of ${limit} connections are at work, ${total} are open`;
    if (waiting > 0) return fail(`${waiting} wait for a connection while ${state}`, HOLDERS);
    const { all, long } = await metrics.acquisitions();
    if (all >= ENOUGH_TO_JUDGE && long / all > SOME_WAIT_LONG)
      return warn(
        `nobody waits now, but ${formatShare(long / all)} of ${formatCount(all)} waits for a connection took longer than ${LONG_WAIT_SECONDS} s`,
        `${HOLDERS}; database_connection_acquire_seconds shows when`,
      );
    return pass(`nobody waits: ${state}; a wait ends after ${environment.DB_ACQUIRE_TIMEOUT_MS} ms`);
  }),
};

/** By cores × 2 + spindles, where the machine of PostgreSQL is known, and by who waits. */
const poolSized: Box = {
  box: 'Connection pool properly sized',
  guide: 'Database Performance Optimization',
  judge: judgedByServer(async (_server, sight) => {
    const report = await sight.report('pool');
    if (!report.available) return notJudged(report);
    const late = report.findings.filter(({ severity }) => severity !== 'info');
    if (late.length > 0) return ofFindings('fail', late);
    if (report.findings.length > 0) return ofFindings('warn', report.findings);
    const { limit = null, rule = null, cores = null } = report.summary ?? {};
    if (rule === null)
      return pass(`nobody waits for one of ${String(limit)} connections; ${report.notes.join('; ')}`);
    return pass(
      `nobody waits, and ${String(limit)} connections are no more than ${String(cores)} cores × 2 + spindles = ${String(rule)}`,
    );
  }),
};

export const poolBoxes: readonly Box[] = [poolConfigured, poolSized];
