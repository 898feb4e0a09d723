import { rowsOf, type StatementRunner } from './statement-runner';

/** How far the server is with a build. */
export interface BuildProgress {
  /** In PostgreSQL's words: "building index: scanning table". */
  readonly phase: string;
  /** Of the whole build, 0 to 1; the share of each phase is an estimate. */
  readonly fraction: number;
}

interface ProgressRow {
  readonly phase: string;
  readonly lockers_total: number;
  readonly lockers_done: number;
  readonly blocks_total: number;
  readonly blocks_done: number;
  readonly tuples_total: number;
  readonly tuples_done: number;
}

/** What part of a concurrent build a phase is, from and to, as a share of the whole. */
const PHASES: readonly (readonly [phase: string, from: number, to: number])[] = [
  ['waiting for writers before build', 0, 0.02],
  ['building index: scanning table', 0.02, 0.35],
  ['building index: sorting', 0.35, 0.4],
  ['building index: loading', 0.4, 0.58],
  ['building index', 0.02, 0.58],
  ['waiting for writers before validation', 0.58, 0.6],
  ['index validation: scanning index', 0.6, 0.67],
  ['index validation: sorting', 0.67, 0.7],
  ['index validation: scanning table', 0.7, 0.96],
  ['waiting for old snapshots', 0.96, 0.98],
  ['waiting for readers', 0.98, 1],
];

const PROGRESS = `
  SELECT phase, lockers_total::float8, lockers_done::float8, blocks_total::float8, blocks_done::float8,
         tuples_total::float8, tuples_done::float8
    FROM pg_stat_progress_create_index WHERE pid = $1`;

/** How far the build of another session is; undefined when it builds nothing. */
export async function progressOf(observer: StatementRunner, pid: number): Promise<BuildProgress | undefined> {
  const [row] = await rowsOf<ProgressRow>(observer, PROGRESS, [pid]);
  return row === undefined ? undefined : { phase: row.phase, fraction: fractionOf(row) };
}

/** How far a build is, from what pg_stat_progress_create_index shows of it. */
export function fractionOf(row: ProgressRow): number {
  const [, from, to] = PHASES.find(([phase]) => row.phase.startsWith(phase)) ?? ['', 0, 0];
  return from + (to - from) * within(row);
}

/** Phases that scan count blocks, those that sort and load count rows, those that wait count sessions. */
function within(row: ProgressRow): number {
  const counted = row.phase.startsWith('waiting')
    ? [row.lockers_done, row.lockers_total]
    : row.tuples_total > 0
      ? [row.tuples_done, row.tuples_total]
      : [row.blocks_done, row.blocks_total];
  const [done = 0, total = 0] = counted;
  return total > 0 ? Math.min(1, done / total) : 0;
}
