import type { Finding } from '../../reports/report';
import type { ReportAnswer } from '../../reports/report-reader';
import { notJudged, ofFindings, pass, type Box } from '../box';
import type { Sight } from '../sight';

const DAY_MS = 24 * 3_600_000;
/** What was asked less often, or by people at a terminal, is no plan of the application's to mend. */
const OFTEN = 5;

/** Of the last day where there is a history, so that what was mended is forgotten; else since PostgreSQL counts. */
async function slowQueries(sight: Sight): Promise<ReportAnswer> {
  const lastDay = await sight.report('slow-queries', new Date(Date.now() - DAY_MS));
  return lastDay.available ? lastDay : sight.report('slow-queries');
}

const slowOnes = ({ findings }: ReportAnswer): Finding[] =>
  findings.filter(({ severity }) => severity !== 'info');

function isOfApplication({ rows }: ReportAnswer, { subject }: Finding, role: string): boolean {
  const row = rows.find((candidate) => candidate['queryId'] === subject);
  const roles = row?.['roles'];
  return Array.isArray(roles) && roles.includes(role) && Number(row?.['calls']) >= OFTEN;
}

const plansOptimized: Box = {
  box: 'Query plans optimized (EXPLAIN ANALYZE)',
  guide: 'Performance Optimization Guide',
  async judge(sight) {
    const report = await slowQueries(sight);
    if (!report.available) return notJudged(report);
    const own = slowOnes(report).filter((finding) => isOfApplication(report, finding, sight.applicationRole));
    if (own.length > 0) return ofFindings('fail', own);
    return pass(
      `no statement that ${sight.applicationRole} runs again and again is slow on average; ${counted(report)}`,
    );
  },
};

/** Of everybody: what others ask takes the same server's time. */
const slowQueriesExplained: Box = {
  box: 'EXPLAIN ANALYZE on slow queries',
  guide: 'Database Performance Optimization',
  async judge(sight) {
    const report = await slowQueries(sight);
    if (!report.available) return notJudged(report);
    const slow = slowOnes(report);
    if (slow.length === 0) return pass(`no statement waits to be explained; ${counted(report)}`);
    const isOwn = slow.some((finding) => isOfApplication(report, finding, sight.applicationRole));
    return ofFindings(isOwn ? 'fail' : 'warn', slow);
  },
};

const counted = ({ summary, notes }: ReportAnswer): string =>
  [`${String(summary?.['statements'] ?? 0)} statements`, ...notes.slice(0, 1)].join(', ');

export const planBoxes: readonly Box[] = [plansOptimized, slowQueriesExplained];
