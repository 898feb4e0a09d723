import { isUnanswered, reasonOf } from '../../database/failures';
import type { ReportDatabase } from '../reports/report-database';
import { readReport, sourceOf, type ReportAnswer } from '../reports/report-reader';
import { reportNamed } from '../reports/reports';
import type { PoolState } from '../../database/database.service';
import { fail, warn, type Box, type BoxStatus, type Guide, type Verdict } from './box';
import { BOXES } from './boxes';
import type { Sight } from './sight';

/** A box with its answer. */
export interface AnsweredBox extends Verdict {
  readonly box: string;
  readonly guide: Guide;
}

/** The checklists of both guides, filled in. */
export interface ChecklistAnswer {
  readonly asOf: string;
  readonly release: string;
  /** False where no running server was asked, so that its boxes are not judged. */
  readonly ofServer: boolean;
  /** How many boxes there are of each status. */
  readonly summary: Readonly<Record<BoxStatus, number>>;
  readonly boxes: readonly AnsweredBox[];
}

/** As many as a report gives at most. */
const ROWS = 500;

/** What of a sight is made of reports; each is read once. */
export async function reportsOf(
  database: ReportDatabase,
  pool?: PoolState,
): Promise<Pick<Sight, 'source' | 'report'>> {
  const source = await sourceOf(database, pool);
  const answers = new Map<string, Promise<ReportAnswer>>();
  return {
    source,
    report(name, from) {
      const key = from === undefined ? name : `${name} looking back`;
      let answer = answers.get(key);
      if (answer === undefined) answers.set(key, (answer = read(name, source, from)));
      return answer;
    },
  };
}

/** What PostgreSQL calls the role of a connection: the address need not name one. */
export async function roleOf(ask: (text: string) => Promise<{ role: string }[]>): Promise<string> {
  const [row] = await ask('SELECT current_user::text AS role');
  if (row === undefined) throw new Error('PostgreSQL does not say as whom it was asked');
  return row.role;
}

async function read(name: string, source: Sight['source'], from: Date | undefined): Promise<ReportAnswer> {
  const report = reportNamed(name);
  if (report === undefined) throw new Error(`there is no report ${name}`);
  return readReport(report, source, { limit: ROWS, from });
}

/** Judges every box, one after the other: a checklist may not take what requests need. */
export async function judgeAll(sight: Sight): Promise<AnsweredBox[]> {
  const answered: AnsweredBox[] = [];
  for (const box of BOXES) answered.push(await judgeBox(box, sight));
  return answered;
}

/** Judges one box; what its evidence needs is looked at as it is now, unless the sight has read it before. */
export async function judgeBox(box: Box, sight: Sight): Promise<AnsweredBox> {
  return { box: box.box, guide: box.guide, ...(await judge(box, sight)) };
}

/** What cannot be found out is not well; where others only keep it from being looked at now, it is not known. */
async function judge(box: Box, sight: Sight): Promise<Verdict> {
  try {
    return await box.judge(sight);
  } catch (error) {
    const evidence = `it could not be judged: ${reasonOf(error)}`;
    return isUnanswered(error)
      ? warn(
          evidence,
          'Ask again when there is less to do: GET /api/admin/db/pool, /api/admin/db/long-running and /api/admin/db/locks show who is in the way',
        )
      : fail(evidence, 'Look at GET /api/admin/health and the log for what is wrong, and ask again');
  }
}

export function summaryOf(boxes: readonly Verdict[]): ChecklistAnswer['summary'] {
  const count = (wanted: BoxStatus): number => boxes.filter(({ status }) => status === wanted).length;
  return { pass: count('pass'), warn: count('warn'), fail: count('fail') };
}
