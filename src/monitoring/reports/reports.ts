import type { Page } from '../../common/cursor';
import { bloat } from './bloat.report';
import { cacheHitRatio } from './cache-hit-ratio.report';
import { connections } from './connections.report';
import { drift } from './drift.report';
import { history } from './history.report';
import { indexesAdvice } from './indexes-advice.report';
import { indexesDuplicate } from './indexes-duplicate.report';
import { indexesInvalid } from './indexes-invalid.report';
import { indexesMissing } from './indexes-missing.report';
import { indexesUnused } from './indexes-unused.report';
import { indexes } from './indexes.report';
import { locks } from './locks.report';
import { longRunning } from './long-running.report';
import { maintenance } from './maintenance.report';
import { pool } from './pool.report';
import { replication } from './replication.report';
import type { Report } from './report';
import { sequences } from './sequences.report';
import { sessions } from './sessions.report';
import { settings } from './settings.report';
import { slowQueries } from './slow-queries.report';
import { space } from './space.report';
import { tables } from './tables.report';
import { vacuum } from './vacuum.report';
import { wraparound } from './wraparound.report';

/** All of them, in the order in which they are listed. */
export const REPORTS: readonly Report[] = [
  slowQueries,
  connections,
  sessions,
  pool,
  locks,
  longRunning,
  vacuum,
  maintenance,
  wraparound,
  sequences,
  replication,
  settings,
  history,
  space,
  drift,
  tables,
  indexes,
  indexesAdvice,
  indexesUnused,
  indexesDuplicate,
  indexesInvalid,
  indexesMissing,
  bloat,
  cacheHitRatio,
];

/** What may be asked, as administrators are told. */
/** What a report is about, before it is read. */
export interface ReportDescription {
  /** Its path below `/api/admin/db/`. */
  readonly report: string;
  readonly title: string;
  /** What the figures mean. */
  readonly meaning: string;
  /** What to do about them. */
  readonly remedy: string;
  /** It looks back: `from` and `to` are taken. */
  readonly hasHistory: boolean;
}

export const reportList = (): Page<ReportDescription> => ({
  items: REPORTS.map(({ name, title, meaning, remedy, hasHistory = false }) => ({
    report: name,
    title,
    meaning,
    remedy,
    hasHistory,
  })),
  nextCursor: null,
});

export const reportNamed = (name: string): Report | undefined =>
  REPORTS.find((report) => report.name === name);
