import { formatMilliseconds } from '../../common/figures';
import { NotAvailable } from '../reports/not-available';
import type { ReportQuery } from '../reports/report';
import type { ReportSource } from '../reports/report-source';

/** Two snapshots; what came after the first, up to the last of them, lies between. */
export interface HistoryWindow {
  readonly from: Date;
  readonly to: Date;
  /** What has to be known to read the figures: where the history begins, and where it has gaps. */
  readonly notes: readonly string[];
}

/** A snapshot that comes later than that after the one before it was waited for. */
const GAP_MS = 3 * 60_000;
const SHORTEST_STEP_S = 60;

const BOUNDS = `
  SELECT coalesce((SELECT max(taken_at) FROM server_snapshots WHERE taken_at <= $1),
                  (SELECT min(taken_at) FROM server_snapshots)) AS from,
         (SELECT max(taken_at) FROM server_snapshots WHERE taken_at <= $2) AS to,
         (SELECT min(taken_at) FROM server_snapshots) AS first,
         (SELECT max(taken_at) FROM server_snapshots) AS last`;
const GAPS = `
  SELECT count(*)::int AS gaps, max(gap)::float8 AS longest
    FROM (SELECT extract(epoch FROM taken_at - lag(taken_at) OVER (ORDER BY taken_at)) * 1000 AS gap
            FROM server_snapshots WHERE taken_at >= $1 AND taken_at <= $2) AS step
   WHERE gap > $3`;

/** Whether a report is asked of a span of time. */
export const looksBack = ({ from, to }: ReportQuery): boolean => (from ?? to) !== undefined;

/**
 * The snapshots that a span of time lies between: the last one before it begins, or the first there is, and the last one
 * before its end.
 * @throws NotAvailable where no two snapshots tell anything of that time
 */
export async function historyWindow(
  source: ReportSource,
  { from, to }: Pick<ReportQuery, 'from' | 'to'>,
): Promise<HistoryWindow> {
  await needHistory(source);
  const [bounds] = await source.query<Record<'from' | 'to' | 'first' | 'last', Date | null>>(BOUNDS, [
    from ?? new Date(0),
    to ?? new Date(),
  ]);
  if (bounds?.first == null || bounds.last == null) throw noSnapshot();
  if (bounds.from === null || bounds.to === null || bounds.from >= bounds.to)
    throw new NotAvailable(
      'two snapshots of that time',
      `the history goes from ${bounds.first.toISOString()} to ${bounds.last.toISOString()}, with one snapshot a minute`,
    );
  const window = { from: bounds.from, to: bounds.to };
  return { ...window, notes: await notesOn(source, window, from) };
}

/** Whether the migrations have made its tables. */
export async function hasHistory(source: Pick<ReportSource, 'query'>): Promise<boolean> {
  const [history] = await source.query<{ here: boolean }>(
    `SELECT to_regclass('server_snapshots') IS NOT NULL AS here`,
  );
  return history?.here === true;
}

/** @throws NotAvailable where the migrations have not made the tables */
export async function needHistory(source: Pick<ReportSource, 'query'>): Promise<void> {
  if (!(await hasHistory(source))) throw new NotAvailable('the history', 'run npm run db:migrate');
}

const noSnapshot = (): NotAvailable =>
  new NotAvailable('a snapshot', 'one is taken every minute while the server runs: ask again in two minutes');

async function notesOn(
  source: ReportSource,
  { from, to }: Pick<HistoryWindow, 'from' | 'to'>,
  asked: Date | undefined,
): Promise<string[]> {
  const [seen] = await source.query<{ gaps: number; longest: number | null }>(GAPS, [from, to, GAP_MS]);
  const notes = [`Between the snapshots of ${from.toISOString()} and ${to.toISOString()}`];
  if (asked !== undefined && from > asked)
    notes.push(
      'The history begins later than what was asked for: MONITORING_RETENTION_DAYS says how long it is kept',
    );
  if (seen?.longest != null)
    notes.push(
      `${seen.gaps === 1 ? 'A gap' : `${seen.gaps} gaps`} in the history, ${formatMilliseconds(seen.longest)} the longest: what came meanwhile is counted at its end`,
    );
  return notes;
}

/** How long each part of a window is, in seconds, when it is shown in so many points: whole minutes. */
export function stepSeconds({ from, to }: Pick<HistoryWindow, 'from' | 'to'>, points: number): number {
  const seconds = (to.getTime() - from.getTime()) / 1_000;
  return Math.max(1, Math.ceil(seconds / points / SHORTEST_STEP_S)) * SHORTEST_STEP_S;
}
