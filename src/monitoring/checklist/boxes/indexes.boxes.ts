import { formatCount } from '../../../common/figures';
import { notJudged, ofFindings, pass, type Box } from '../box';

/** What is not as declared changes what statements cost; what is there beside it only costs room. */
const indexesApplied: Box = {
  box: 'Database indexes applied',
  guide: 'Performance Optimization Guide',
  async judge(sight) {
    const drift = await sight.report('drift');
    if (!drift.available) return notJudged(drift);
    const wrong = drift.findings.filter(({ severity }) => severity !== 'info');
    if (wrong.length > 0) return ofFindings('fail', wrong);
    const { indexes = 0, migrations = 0 } = drift.summary ?? {};
    const more = drift.findings.length;
    const beside = more === 0 ? '' : `; ${formatCount(more)} more indexes are there that nobody declares`;
    return pass(
      `all ${String(indexes)} declared indexes are there, valid and as declared, and all ${String(migrations)} migrations are applied${beside}`,
    );
  },
};

/** A large table read from its beginning may be a backup's doing: that is a warning. */
const indexesAppropriate: Box = {
  box: 'Appropriate indexes for common queries',
  guide: 'Database Performance Optimization',
  async judge(sight) {
    const missing = await sight.report('indexes/missing');
    if (!missing.available) return notJudged(missing);
    const keys = new Set(missing.rows.map((row) => row['constraint']));
    const certain = missing.findings.filter(
      ({ severity, subject }) => severity !== 'info' && keys.has(subject),
    );
    if (certain.length > 0) return ofFindings('fail', certain);
    if (missing.findings.length > 0) return ofFindings('warn', missing.findings);
    return pass(
      'every foreign key has an index that leads with it, and no large table is read from beginning to end again and again',
    );
  },
};

export const indexBoxes: readonly Box[] = [indexesApplied, indexesAppropriate];
