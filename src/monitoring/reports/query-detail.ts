import { NotFound } from '../../common/domain-error';
import { historyWindow, stepSeconds } from '../history/history-window';
import { recordedStatement, statementSeries, type StatementPoint } from '../history/statement-history';
import { asNotAvailable, NotAvailable } from './not-available';
import { shownPlan } from './plan-node';
import type { ReportQuery } from './report';
import { needExtension, type ReportSource } from './report-source';
import { planOf, recordedText } from './statement-plan';
import { readStatementStatistics, statementRows, type StatementRow } from './statement-statistics';

const DAY_MS = 24 * 3_600_000;
/** What a chart shows; a day in steps of five minutes. */
const MOST_POINTS = 300;

/** What is missing for a part, and how to get it. */
interface Missing {
  readonly available: false;
  readonly missing: string;
  readonly howTo: string;
}

/** All that is known of a form of statements. */
export interface QueryDetail {
  readonly queryId: string;
  /** Without values. */
  readonly statement: string;
  /** What pg_stat_statements has counted since it was reset; null where it has thrown the statement away. */
  readonly counters: { readonly since: string; readonly figures: StatementRow } | null;
  readonly history:
    | {
        readonly available: true;
        readonly from: string;
        readonly to: string;
        readonly stepSeconds: number;
        readonly points: readonly StatementPoint[];
        readonly notes: readonly string[];
      }
    | Missing;
  /** The plan for any values, as PostgreSQL's EXPLAIN (FORMAT JSON) tells it, constants left out. */
  readonly plan:
    | { readonly available: true; readonly plan: Readonly<Record<string, unknown>> }
    | { readonly available: false; readonly why: string };
}

/** What an administrator is told of a form of statements; where something is missing for all of it, what. */
export type QueryAnswer = ({ readonly available: true } & QueryDetail) | Missing;

/**
 * A statement by pg_stat_statements' identifier.
 * @throws NotFound where it was never recorded in this database, or is forgotten
 */
export async function readQuery(
  source: ReportSource,
  queryId: string,
  window: Pick<ReportQuery, 'from' | 'to'>,
): Promise<QueryAnswer> {
  try {
    return { available: true, ...(await queryDetail(source, queryId, window)) };
  } catch (error) {
    const absent = asNotAvailable(error);
    if (absent === undefined) throw error;
    const { missing, howTo } = absent;
    return { available: false, missing, howTo };
  }
}

async function queryDetail(
  source: ReportSource,
  queryId: string,
  window: Pick<ReportQuery, 'from' | 'to'>,
): Promise<QueryDetail> {
  const statistics = await readStatementStatistics(source);
  // Among all: only so the share is that of the time of all.
  const all = statementRows(statistics.statements, statistics.statements.length);
  const figures = all.find((row) => row.queryId === queryId);
  const statement = figures?.statement ?? (await recordedStatement(source, queryId));
  if (statement === undefined) throw new NotFound('query');
  return {
    queryId,
    statement,
    counters: figures === undefined ? null : { since: statistics.since.toISOString(), figures },
    history: await historyOf(source, queryId, window),
    plan: await shownPlanOf(source, queryId),
  };
}

async function historyOf(
  source: ReportSource,
  queryId: string,
  { from, to = new Date() }: Pick<ReportQuery, 'from' | 'to'>,
): Promise<QueryDetail['history']> {
  try {
    const window = await historyWindow(source, { from: from ?? new Date(to.getTime() - DAY_MS), to });
    return {
      available: true,
      from: window.from.toISOString(),
      to: window.to.toISOString(),
      stepSeconds: stepSeconds(window, MOST_POINTS),
      points: await statementSeries(source, queryId, window, MOST_POINTS),
      notes: window.notes,
    };
  } catch (error) {
    if (!(error instanceof NotAvailable)) throw error;
    const { missing, howTo } = error;
    return { available: false, missing, howTo };
  }
}

async function shownPlanOf(source: ReportSource, queryId: string): Promise<QueryDetail['plan']> {
  const schema = await needExtension(source, 'pg_stat_statements');
  const text = await recordedText(source, schema, queryId);
  if (text === undefined)
    return {
      available: false,
      why: 'pg_stat_statements has thrown its text away: it is planned again once it was run again',
    };
  const planned = await source.session((session) => planOf(session, text));
  return 'plan' in planned
    ? { available: true, plan: shownPlan(planned.plan) }
    : { available: false, why: planned.why };
}
