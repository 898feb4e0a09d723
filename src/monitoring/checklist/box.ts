import type { Finding } from '../reports/report';
import type { ReportAnswer } from '../reports/report-reader';
import type { ServerSight, Sight } from './sight';

/** By the titles of the two guides whose checklists these are. */
export type Guide = 'Performance Optimization Guide' | 'Database Performance Optimization';
export type BoxStatus = 'pass' | 'warn' | 'fail';

/** What was found of a box. */
export interface Verdict {
  readonly status: BoxStatus;
  /** What it was judged by, in sentences. */
  readonly evidence: string;
  /** What to do; null where nothing is to be done. */
  readonly remedy: string | null;
}

/** A box of a guide's checklist, which answers itself. */
export interface Box {
  /** As the guide names it. */
  readonly box: string;
  readonly guide: Guide;
  judge(sight: Sight): Verdict | Promise<Verdict>;
}

export const pass = (evidence: string): Verdict => ({ status: 'pass', evidence, remedy: null });
export const warn = (evidence: string, remedy: string): Verdict => ({ status: 'warn', evidence, remedy });
export const fail = (evidence: string, remedy: string): Verdict => ({ status: 'fail', evidence, remedy });

/** A box that only a running server can judge. */
export const judgedByServer =
  (judge: (server: ServerSight, sight: Sight) => Verdict | Promise<Verdict>): Box['judge'] =>
  async (sight) => {
    if (sight.server !== undefined) return judge(sight.server, sight);
    return warn(
      'only a running server can tell, and none was asked',
      'Start one (npm start), set ADMIN_EMAIL and ADMIN_PASSWORD, and run npm run doctor again; or read GET /api/admin/performance/checklist',
    );
  };

const MOST_NAMED = 3;

/** Some findings in one verdict: the first of them, and how many more there are. */
export function ofFindings(status: BoxStatus, findings: readonly Finding[]): Verdict {
  const named = findings.slice(0, MOST_NAMED).map(({ subject, detail }) => `${subject}: ${detail}`);
  const more = findings.length - named.length;
  return {
    status,
    evidence: [...named, ...(more > 0 ? [`and ${more} more`] : [])].join('; '),
    remedy: [...new Set(findings.slice(0, MOST_NAMED).map(({ remedy }) => remedy))].join('; '),
  };
}

/** For a report that cannot be given here: what is missing keeps the box from being judged. */
export const notJudged = ({ missing, howTo }: ReportAnswer): Verdict =>
  warn(`it cannot be judged: ${missing ?? 'something'} is missing`, howTo ?? 'Look at the report itself');
