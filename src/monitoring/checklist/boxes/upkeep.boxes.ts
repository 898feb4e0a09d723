import { formatBytes, formatCount } from '../../../common/figures';
import { notJudged, ofFindings, pass, warn, type Box } from '../box';

const GUIDE = 'Database Performance Optimization';

/** Where autovacuum is off, or leaves alone a table that needs it, nobody comes; where it is late it may come yet. */
const vacuumRunning: Box = {
  box: 'Database vacuum running regularly',
  guide: GUIDE,
  async judge(sight) {
    const report = await sight.report('vacuum');
    if (!report.available) return notJudged(report);
    const off = report.findings.filter(({ severity }) => severity === 'critical');
    if (off.length > 0) return ofFindings('fail', off);
    const late = report.findings.filter(({ severity }) => severity === 'warn');
    const alone = new Set(
      report.rows.filter(({ state }) => String(state).endsWith('autovacuum off')).map(({ table }) => table),
    );
    const forsaken = late.filter(({ subject }) => alone.has(subject));
    if (forsaken.length > 0) return ofFindings('fail', forsaken);
    if (late.length > 0) return ofFindings('warn', late);
    const { due = 0, running = 0 } = report.summary ?? {};
    return pass(
      `autovacuum is on and keeps up: it runs for ${String(running)} tables now and is due for ${String(due)}`,
    );
  },
};

const bloatMonitored: Box = {
  box: 'Index bloat monitored',
  guide: GUIDE,
  async judge(sight) {
    const report = await sight.report('bloat');
    if (!report.available) return notJudged(report);
    const indexes = new Set(report.rows.filter(({ kind }) => kind === 'index').map(({ name }) => name));
    const ofIndexes = report.findings.filter(({ subject }) => indexes.has(subject));
    if (ofIndexes.length > 0) return ofFindings('fail', ofIndexes);
    if (report.findings.length > 0) return ofFindings('warn', report.findings);
    if (report.rows.length === 0)
      return pass(
        'every table and index is too small for bloat to matter; npm run db:report -- bloat measures them',
      );
    const exact = report.rows.filter(({ method }) => method === 'exact').length;
    const bytes = Number(report.summary?.['bloatBytes'] ?? 0);
    const evidence = `${formatBytes(bytes)} of ${formatCount(report.rows.length)} large tables and indexes hold nothing, no large part of any; ${exact} were measured exactly`;
    const unknown = report.rows.filter(({ method }) => method === 'unknown').length;
    if (unknown === 0) return pass(evidence);
    return warn(
      `${evidence}; nothing is known of ${unknown}, which were never analysed`,
      'Run npm run db:indexes -- --analyze',
    );
  },
};

export const upkeepBoxes: readonly Box[] = [vacuumRunning, bloatMonitored];
