import { formatBytes, formatCount, formatMilliseconds } from '../../common/figures';
import {
  ANALYZE_SOON,
  MAINTENANCE_TASKS,
  workName,
  type MaintenanceTask,
} from '../maintenance/maintenance-tasks';
import { WORK_UNDER_WAY } from '../maintenance/owner-work';
import type { Finding, Report } from './report';
import type { ReportSource } from './report-source';

/** A server that stood still for a while is given another turn before anybody is told. */
const OVERDUE_PERIODS = 2;
/** Failures of a run that a finding tells of; the audit trail has them all. */
const TOLD = 3;

type Outcome = 'done' | 'partly' | 'failed' | 'running' | 'not yet';

interface Run {
  action: string;
  about: string;
  startedAt: string;
  durationMs: number;
  details: Readonly<Record<string, unknown>>;
}

interface Seen {
  readonly task: MaintenanceTask;
  readonly run: Run | undefined;
  readonly running: boolean;
  /** Since when it could have run. */
  readonly since: Date;
}

/** Runs write themselves into the audit trail, so that nobody can alter them: one record a week or month, by its index. */
const LAST_RUN = `
  SELECT action, entity_id AS about, after->>'startedAt' AS "startedAt",
         (after->>'durationMs')::float8 AS "durationMs", after AS details
    FROM audit_logs WHERE action = ANY ($1) ORDER BY id DESC LIMIT 1`;
/** Since when there is an audit trail: since the migration that made the database's own. */
const FIRST_MIGRATION = 'SELECT min(applied_at) AS since FROM migration_history';

/** What the system does for its database by the clock, and after imports. */
export const maintenance: Report<
  'task' | 'schedule' | 'about' | 'lastRun' | 'duration' | 'outcome' | 'detail' | 'nextRun'
> = {
  name: 'maintenance',
  title: 'Maintenance: what ran last, how it ended, and when it comes again',
  meaning:
    'Jobs that the owner of the database does beside autovacuum: one process of all does each. "partly" leaves out what failed; the finding says what that was.',
  remedy:
    'What failed can be done at once: POST /api/admin/db/tables/:table/vacuum or …/analyze, POST /api/admin/db/indexes/:index/reindex. What never runs wants a server that is up at its time.',
  columns: [
    { key: 'task', title: 'task', unit: 'text' },
    { key: 'schedule', title: 'comes', unit: 'text' },
    { key: 'about', title: 'of', unit: 'text' },
    { key: 'lastRun', title: 'last run', unit: 'time' },
    { key: 'duration', title: 'took', unit: 'milliseconds' },
    { key: 'outcome', title: 'outcome', unit: 'text' },
    { key: 'detail', title: 'what was done', unit: 'text' },
    { key: 'nextRun', title: 'next run', unit: 'time' },
  ],
  async read(source) {
    const now = new Date();
    const [first] = await source.query<{ since: Date | null }>(FIRST_MIGRATION);
    const seen: Seen[] = [];
    for (const task of MAINTENANCE_TASKS) seen.push(await see(source, task, first?.since ?? now));
    return { rows: seen.map((one) => rowOf(one, now)), findings: seen.flatMap((one) => judged(one, now)) };
  },
};

async function see(source: ReportSource, task: MaintenanceTask, since: Date): Promise<Seen> {
  const [run] = await source.query<Run>(LAST_RUN, [[task.done, task.failed]]);
  if (task.schedule === undefined) return { task, run, running: false, since };
  const [work] = await source.query<{ held: boolean }>(WORK_UNDER_WAY, [workName(task)]);
  return { task, run, running: work?.held === true, since };
}

const rowOf = ({ task, run, running }: Seen, now: Date) => ({
  task: task.title,
  schedule: task.schedule?.words ?? 'after imports',
  about: run?.about ?? null,
  lastRun: run?.startedAt ?? null,
  duration: run?.durationMs ?? null,
  outcome: running ? 'running' : outcomeOf(task, run),
  detail: run === undefined ? null : detailOf(run),
  nextRun: task.schedule?.next(now).toISOString() ?? null,
});

function outcomeOf(task: MaintenanceTask, run: Run | undefined): Outcome {
  if (run === undefined) return 'not yet';
  if (run.action === task.failed) return 'failed';
  return failuresOf(run).length === 0 ? 'done' : 'partly';
}

const failuresOf = ({ details }: Run): readonly string[] =>
  Array.isArray(details['failures']) ? details['failures'].map(String) : [];

interface RebuiltIndex {
  readonly bytesBefore: number;
  readonly bytesAfter: number;
}

/** Each kind of run keeps its own figures. */
function detailOf({ details }: Run): string | null {
  const { tables, measured, rebuilt } = details;
  if (typeof tables === 'number') return `${formatCount(tables)} tables`;
  if (typeof measured !== 'number' || !Array.isArray(rebuilt)) return null;
  const gained = (rebuilt as RebuiltIndex[]).reduce(
    (sum, { bytesBefore, bytesAfter }) => sum + Math.max(0, bytesBefore - bytesAfter),
    0,
  );
  return `${rebuilt.length} of ${formatCount(measured)} indexes rebuilt, ${formatBytes(gained)} given back`;
}

function judged(seen: Seen, now: Date): Finding[] {
  return [failed(seen), overdue(seen, now)].filter((finding) => finding !== undefined);
}

function failed({ task, run }: Seen): Finding | undefined {
  const failures = run === undefined ? [] : failuresOf(run);
  if (failures.length === 0) return undefined;
  const others = failures.length > TOLD ? [`${failures.length - TOLD} others`] : [];
  return {
    severity: run?.action === task.failed ? 'critical' : 'warn',
    subject: task.name,
    detail: `failed for ${[...failures.slice(0, TOLD), ...others].join('; ')}`,
    remedy: remedyOf(task),
  };
}

function overdue({ task, run, running, since }: Seen, now: Date): Finding | undefined {
  if (task.schedule === undefined || running) return undefined;
  const last = run === undefined ? since : new Date(run.startedAt);
  const silentMs = now.getTime() - last.getTime();
  if (silentMs <= OVERDUE_PERIODS * task.schedule.periodMs) return undefined;
  return {
    severity: 'warn',
    subject: task.name,
    detail: `has not run for ${formatMilliseconds(silentMs)}, and comes ${task.schedule.words}`,
    remedy: 'Let a server run at that time, and look into its log for warnings of Jobs and Maintenance',
  };
}

const remedyOf = (task: MaintenanceTask): string =>
  task === ANALYZE_SOON
    ? 'Mend what it says, then POST /api/admin/db/tables/:table/analyze'
    : 'Mend what it says; POST /api/admin/db/tables/:table/vacuum and /api/admin/db/indexes/:index/reindex do it at once';
