import { Inject, Injectable } from '@nestjs/common';
import { Client } from 'pg';
import type { Principal } from '../../auth/principal';
import { DatabaseService } from '../../database/database.service';
import { DATABASE_URLS, type DatabaseUrls } from '../../database/database.module';
import { NotAvailable } from '../reports/not-available';
import { ReportDatabase } from '../reports/report-database';
import { sourceOf } from '../reports/report-reader';
import { ActionTrail } from './action-trail';
import { StatementNotExplained, UnknownStatement } from './actions.errors';
import { AUDITED_ACTIONS } from './audited-actions';
import { recordedStatement, type RecordedStatement } from './recorded-statement';
import {
  analyzedPlan,
  checkParameters,
  forget,
  genericPlan,
  planFor,
  prepare,
  type Parameter,
  type Plan,
} from './statement-plan';

const APPLICATION = 'gridtokenx explain';
const CONNECT_MS = 5_000;
/** Whoever looks at a plan waits for it, and what is analysed costs what it costs. */
const STATEMENT_MS = 5_000;
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
  readonly explain: Plan;
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
    try {
      const statement = await recordedStatement(
        await sourceOf(this.reports, this.database.poolState()),
        queryId,
      );
      if (statement === undefined) throw new UnknownStatement(queryId);
      return await this.audited(admin, statement, request);
    } catch (error) {
      if (!(error instanceof NotAvailable)) throw error;
      return { queryId, available: false, missing: error.missing, howTo: error.howTo };
    }
  }

  private async audited(
    admin: Principal,
    statement: RecordedStatement,
    request: ExplainRequest,
  ): Promise<ExplainedStatement> {
    const { entity, requested, done, failed } = AUDITED_ACTIONS.explain;
    const subject = { entity, entityId: statement.queryId };
    const { analyze, parameters = [] } = request;
    const after = { statement: statement.form, analyze, parameters: parameters.length };
    await this.trail.record(admin, { action: requested, ...subject, after });
    try {
      const began = Date.now();
      const found = await this.plan(statement, request);
      const durationMs = Date.now() - began;
      await this.trail.record(admin, {
        action: done,
        ...subject,
        after: { ...after, plan: found.plan, durationMs },
      });
      return { queryId: statement.queryId, available: true, statement: statement.form, ...found };
    } catch (error) {
      const reason = error instanceof StatementNotExplained ? error.reason : (error as Error).name;
      await this.trail.record(admin, { action: failed, ...subject, after: { ...after, reason } });
      throw error;
    }
  }

  /**
   * What is run is run as the application's role, which may do no more than the application; the owner plans what that role
   * may not touch, such as the jobs' own statements.
   */
  private async plan(
    { text }: RecordedStatement,
    { analyze, parameters }: ExplainRequest,
  ): Promise<Pick<ExplainedStatement, 'plan' | 'explain'>> {
    return this.inSession(analyze ? this.urls.applicationUrl : this.urls.ownerUrl, async (client) => {
      const needed = await prepare(client, text);
      if (!analyze && parameters === undefined)
        return { plan: 'generic', explain: await genericPlan(client, needed) };
      await forget(client);
      const values = parameters ?? [];
      checkParameters(needed, values);
      return analyze
        ? { plan: 'analyzed', explain: await analyzedPlan(client, text, values) }
        : { plan: 'custom', explain: await planFor(client, text, values) };
    });
  }

  /** A session of its own in a read-only transaction that is rolled back: nothing that it sets or locks outlives it. */
  private async inSession<Result>(url: string, work: (client: Client) => Promise<Result>): Promise<Result> {
    const client = new Client({
      connectionString: url,
      application_name: APPLICATION,
      connectionTimeoutMillis: CONNECT_MS,
    });
    client.on('error', () => undefined); // the statement that runs is told
    try {
      await client.connect();
      await client.query(
        `BEGIN READ ONLY; SET LOCAL statement_timeout = ${STATEMENT_MS}; SET LOCAL lock_timeout = ${LOCK_MS}`,
      );
      return await work(client);
    } finally {
      await client.query('ROLLBACK').catch(() => undefined);
      await client.end().catch(() => undefined);
    }
  }
}
