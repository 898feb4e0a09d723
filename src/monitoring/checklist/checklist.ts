import { reasonOf } from '../../database/failures';
import type { DatabaseUrls } from '../../database/database.module';
import type { ReportDatabase } from '../reports/report-database';
import { readReport, sourceOf, type ReportAnswer } from '../reports/report-reader';
import { reportNamed } from '../reports/reports';
import type { PoolState } from '../../database/database.service';
import { fail, type Box, type BoxStatus, type Guide, type Verdict } from './box';
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
  { applicationUrl }: Pick<DatabaseUrls, 'applicationUrl'>,
  pool?: PoolState,
): Promise<Pick<Sight, 'source' | 'report' | 'applicationRole'>> {
  const source = await sourceOf(database, pool);
  const answers = new Map<string, Promise<ReportAnswer>>();
  return {
    source,
    applicationRole: decodeURIComponent(new URL(applicationUrl).username),
    report(name, from) {
      const key = from === undefined ? name : `${name} looking back`;
      let answer = answers.get(key);
      if (answer === undefined) answers.set(key, (answer = read(name, source, from)));
      return answer;
    },
  };
}

async function read(name: string, source: Sight['source'], from: Date | undefined): Promise<ReportAnswer> {
  const report = reportNamed(name);
  if (report === undefined) throw new Error(`there is no report ${name}`);
  return readReport(report, source, { limit: ROWS, from });
}

/** Judges every box, one after the other: a checklist may not take what requests need. */
export async function judgeAll(sight: Sight): Promise<AnsweredBox[]> {
  const answered: AnsweredBox[] = [];
  for (const box of BOXES) answered.push({ box: box.box, guide: box.guide, ...(await judge(box, sight)) });
  return answered;
}

/** What cannot be found out is not well. */
async function judge(box: Box, sight: Sight): Promise<Verdict> {
  try {
    return await box.judge(sight);
  } catch (error) {
    return fail(
      `it could not be judged: ${reasonOf(error)}`,
      'Look at GET /health/deep and the log for what is wrong, and ask again',
    );
  }
}

export function summaryOf(boxes: readonly Verdict[]): ChecklistAnswer['summary'] {
  const count = (wanted: BoxStatus): number => boxes.filter(({ status }) => status === wanted).length;
  return { pass: count('pass'), warn: count('warn'), fail: count('fail') };
}
