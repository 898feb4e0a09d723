import { formatCount } from '../../../common/figures';
import type { Finding } from '../../reports/report';
import type { ReportAnswer } from '../../reports/report-reader';
import { notJudged, ofFindings, pass, warn, type Box, type Verdict } from '../box';
import { planAgain, type ReadInFull } from '../read-in-full';
import type { Sight } from '../sight';

const DAY_MS = 24 * 3_600_000;
/** What was asked less often, or by people at a terminal, is no plan of the application's to mend. */
const OFTEN = 5;
/** A job may read everything some times a day; what requests ask may not. */
const ASKED_BY_REQUESTS = 100;
/** The slowest of them: to plan one takes milliseconds. */
const PLANNED_AGAIN = 10;
const MOST_NAMED = 3;

/** Of the last day where there is a history, so that what was mended is forgotten; else since PostgreSQL counts. */
async function slowQueries(sight: Sight): Promise<ReportAnswer> {
  const lastDay = await sight.report('slow-queries', new Date(Date.now() - DAY_MS));
  return lastDay.available ? lastDay : sight.report('slow-queries');
}

const slowOnes = ({ findings }: ReportAnswer): Finding[] =>
  findings.filter(({ severity }) => severity !== 'info');

/** The identifiers of statements that a role asks so often, the slowest first. */
function askedBy(role: string, { rows }: ReportAnswer, often: number): string[] {
  return rows
    .filter(({ roles, calls }) => Array.isArray(roles) && roles.includes(role) && Number(calls) >= often)
    .toSorted((a, b) => Number(b['meanMs']) - Number(a['meanMs']))
    .map(({ queryId }) => String(queryId));
}

const plansOptimized: Box = {
  box: 'Query plans optimized (EXPLAIN ANALYZE)',
  guide: 'Performance Optimization Guide',
  async judge(sight) {
    const report = await slowQueries(sight);
    if (!report.available) return notJudged(report);
    const role = await sight.applicationRole();
    const asked = askedBy(role, report, OFTEN);
    const own = slowOnes(report).filter(({ subject }) => asked.includes(subject));
    if (own.length > 0) return ofFindings('fail', own);
    const slowest = askedBy(role, report, ASKED_BY_REQUESTS).slice(0, PLANNED_AGAIN);
    const { planned, found } = await planAgain(sight.source, slowest);
    if (found.length > 0) return inFull(found);
    return pass(
      `no statement that ${role} runs again and again is slow on average, and none of ${formatCount(planned)} that were planned again reads a large table from beginning to end; ${counted(report)}`,
    );
  },
};

function inFull(found: readonly ReadInFull[]): Verdict {
  const named = found.slice(0, MOST_NAMED);
  const more = found.length > MOST_NAMED ? `; and ${found.length - MOST_NAMED} more` : '';
  const evidence = named.map(
    ({ queryId, table, rows }) => `${queryId} reads all ${formatCount(rows)} rows of ${table}`,
  );
  return warn(
    `${evidence.join('; ')}${more}`,
    `GET /api/admin/db/queries/${named[0]?.queryId ?? '<id>'} shows the plan, GET /api/admin/db/indexes/advice an index where one helps; npm run db:indexes -- --analyze where statistics are old`,
  );
}

/** Of everybody: what others ask takes the same server's time. */
const slowQueriesExplained: Box = {
  box: 'EXPLAIN ANALYZE on slow queries',
  guide: 'Database Performance Optimization',
  async judge(sight) {
    const report = await slowQueries(sight);
    if (!report.available) return notJudged(report);
    const slow = slowOnes(report);
    if (slow.length === 0) return pass(`no statement waits to be explained; ${counted(report)}`);
    const asked = askedBy(await sight.applicationRole(), report, OFTEN);
    const isOwn = slow.some(({ subject }) => asked.includes(subject));
    return ofFindings(isOwn ? 'fail' : 'warn', slow);
  },
};

const counted = ({ summary, notes }: ReportAnswer): string =>
  [`${String(summary?.['statements'] ?? 0)} statements`, ...notes.slice(0, 1)].join(', ');

export const planBoxes: readonly Box[] = [plansOptimized, slowQueriesExplained];
