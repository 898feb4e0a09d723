import { Inject, Injectable } from '@nestjs/common';
import type { Principal } from '../../auth/principal';
import { DatabaseService } from '../../database/database.service';
import { runnerOf, type StatementRunner } from '../../database/indexes/statement-runner';
import { DATABASE_URLS, type DatabaseUrls } from '../../database/database.module';
import { asNotAvailable } from '../reports/not-available';
import { shownPlan } from '../reports/plan-node';
import { ReportDatabase } from '../reports/report-database';
import { sourceOf } from '../reports/report-reader';
import type { Explained } from '../reports/statement-plan';
import { ActionTrail } from './action-trail';
import { StatementNotExplained, UnknownStatement } from './actions.errors';
import { AUDITED_ACTIONS } from './audited-actions';
import { ownSession } from './own-session';
import { recordedStatement, type RecordedStatement } from './recorded-statement';
import { analyzedPlan, planFor, planForAny, type Parameter } from './explained-statement';

/** Whoever looks at a plan waits for it, and what is analysed costs what it costs. */
const LIMITS = { application: 'gridtokenx explain', statementMs: 5_000 };
const LOCK_MS = 1_000;

export interface ExplainRequest {
  /** Run it, and say what each node really took. */
  readonly analyze: boolean;
  readonly parameters?: readonly Parameter[] | undefined;
}

export interface ExplainedStatement {
  readonly queryId: string;
  readonly available: true;
  readonly statement: string;
  /** `generic` is the plan for any values, `custom` the one for those given, `analyzed` that one with what it took. */
  readonly plan: 'generic' | 'custom' | 'analyzed';
  /** As EXPLAIN (FORMAT JSON) tells it; constants, as of partial indexes and views, are left out. */
  readonly explain: Readonly<Record<string, unknown>>;
}

/** What is missing for it on this server. */
export interface NotExplainable {
  readonly queryId: string;
  readonly available: false;
  readonly missing: string;
  readonly howTo: string;
}

/** Explains statements that were recorded. */
@Injectable()
export class ExplainService {
  constructor(
    private readonly reports: ReportDatabase,
    private readonly database: DatabaseService,
    private readonly trail: ActionTrail,
    @Inject(DATABASE_URLS) private readonly urls: DatabaseUrls,
  ) {}

  /**
   * @throws UnknownStatement
   * @throws StatementNotExplained for what cannot be planned, or must not be run
   * @throws InvalidInput where parameters are missing
   */
  async explain(
    admin: Principal,
    queryId: string,
    request: ExplainRequest,
  ): Promise<ExplainedStatement | NotExplainable> {
    const statement = await this.recorded(queryId);
    if (statement === undefined) throw new UnknownStatement(queryId);
    if ('missing' in statement) return statement;
    return this.audited(admin, statement, request);
  }

  private async recorded(queryId: string): Promise<RecordedStatement | NotExplainable | undefined> {
    try {
      const source = await sourceOf(this.reports, this.database.poolState());
      return await recordedStatement(source, queryId);
    } catch (error) {
      const absent = asNotAvailable(error);
      if (absent === undefined) throw error;
      return { queryId, available: false, missing: absent.missing, howTo: absent.howTo };
    }
  }

  private async audited(
    admin: Principal,
    statement: RecordedStatement,
    request: ExplainRequest,
  ): Promise<ExplainedStatement> {
    const { analyze, parameters = [] } = request;
    const asked = { statement: statement.form, analyze, parameters: parameters.length };
    const began = Date.now();
    const found = await this.trail.follow(admin, {
      audited: AUDITED_ACTIONS.explain,
      entityId: statement.queryId,
      asked: { after: asked },
      work: () => this.plan(statement, request),
      outcomeOf: ({ plan }) => ({ done: true, after: { ...asked, plan, durationMs: Date.now() - began } }),
      reasonFor: (error) => ({
        ...asked,
        reason: error instanceof StatementNotExplained ? error.reason : (error as Error).name,
      }),
    });
    return { queryId: statement.queryId, available: true, statement: statement.form, ...found };
  }

  /**
   * What is run is run as the application's role, which may do no more than the application; the owner plans what that role
   * may not touch, such as the jobs' own statements.
   */
  private async plan(
    { text }: RecordedStatement,
    { analyze, parameters }: ExplainRequest,
  ): Promise<Pick<ExplainedStatement, 'plan' | 'explain'>> {
    return this.inSession(analyze ? this.urls.applicationUrl : this.urls.ownerUrl, async (session) => {
      if (analyze)
        return { plan: 'analyzed', explain: shown(await analyzedPlan(session, text, parameters ?? [])) };
      return parameters === undefined
        ? { plan: 'generic', explain: shown(await planForAny(session, text)) }
        : { plan: 'custom', explain: shown(await planFor(session, text, parameters)) };
    });
  }

  /** A read-only transaction that ends with its session: nothing that it sets or locks outlives it. */
  private inSession<Result>(
    url: string,
    work: (session: StatementRunner) => Promise<Result>,
  ): Promise<Result> {
    return ownSession(url, LIMITS, async (session) => {
      await session.query(`BEGIN READ ONLY; SET LOCAL lock_timeout = ${LOCK_MS}`);
      return work(runnerOf(session));
    });
  }
}

/** The number of the statement is larger than numbers of JSON are read by. */
const LEFT_OUT = 'Query Identifier';

function shown({ Plan: plan, [LEFT_OUT]: _, ...figures }: Explained): ExplainedStatement['explain'] {
  return { Plan: shownPlan(plan), ...figures };
}
