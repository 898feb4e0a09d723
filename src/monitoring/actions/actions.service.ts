import { Injectable, type OnModuleInit } from '@nestjs/common';
import { AuditService } from '../../audit/audit.service';
import type { Principal } from '../../auth/principal';
import { madeAt, newId } from '../../common/id';
import { ReservedDatabase } from '../../database/reserved-database';
import { JobsService } from '../../jobs/jobs.service';
import { ReportDatabase } from '../reports/report-database';
import { findIndex, findTable } from './action-targets';
import { ActionRunner } from './action-runner';
import { UnknownAction } from './actions.errors';
import { AUDITED_ACTIONS } from './audited-actions';
import {
  actionOf,
  openRequests,
  trailOf,
  viewOf,
  type ActionView,
  type LongAction,
  type TrailRow,
} from './database-action';

const JOB = 'database.action';
/** After a process was killed another one goes on: an action waits no longer for that. */
const RESUME = { name: 'database.resume', cron: '*/5 * * * *' };
/** Keys that claim to be from a later time are none of ours. */
const AHEAD_MS = 86_400_000;

/** What admins start by hand and does not end within a request. */
@Injectable()
export class ActionsService implements OnModuleInit {
  constructor(
    private readonly database: ReservedDatabase,
    private readonly audit: AuditService,
    private readonly jobs: JobsService,
    private readonly reports: ReportDatabase,
    private readonly runner: ActionRunner,
  ) {}

  onModuleInit(): void {
    this.jobs.declare(JOB, (data) => this.runner.run((data as { id: string }).id));
    this.jobs.declareRecurring(RESUME.name, RESUME.cron, () => this.resume());
  }

  /**
   * Lets a job do an action. Where the same is already asked for and not done yet, that one is answered.
   * @throws UnknownTable UnknownIndex NotOurs IndexNotRebuildable
   */
  async request(admin: Principal, action: LongAction, name: string): Promise<ActionView> {
    const find = action === 'reindex' ? findIndex : findTable;
    const target = await find({ query: (text, values) => this.reports.query(text, values) }, name);
    return this.database.transaction(async (tx) => {
      const query = <Row>(text: string, values: readonly unknown[]): Promise<Row[]> => tx.query(text, values);
      await query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`ask to ${action} ${target}`]);
      const open = (await openRequests(query)).find(
        (row) => actionOf(row) === action && row.entity_id === target,
      );
      if (open !== undefined) return this.known(query, [open]);
      const id = newId();
      const { entity, requested } = AUDITED_ACTIONS[action];
      this.audit.record(tx, admin, { action: requested, entity, entityId: target, after: { actionId: id } });
      await this.jobs.enqueue(tx, JOB, { id });
      return {
        id,
        action,
        target,
        state: 'queued',
        requestedBy: admin.userId,
        requestedAt: new Date(),
        finishedAt: null,
        outcome: null,
      };
    });
  }

  /** @throws UnknownAction */
  async find(id: string): Promise<ActionView> {
    if (madeAt(id).getTime() > Date.now() + AHEAD_MS) throw new UnknownAction();
    const query = <Row>(text: string, values: readonly unknown[]): Promise<Row[]> =>
      this.database.query(text, values);
    return this.known(query, await trailOf(query, id));
  }

  /** Does what was asked for and nobody is at any more, since the process that was has died. */
  async resume(): Promise<void> {
    const open = await openRequests((text, values) => this.database.query(text, values));
    for (const { after } of open) await this.runner.run(after.actionId);
  }

  private async known(
    query: <Row>(text: string, values: readonly unknown[]) => Promise<Row[]>,
    trail: readonly TrailRow[],
  ): Promise<ActionView> {
    const view = await viewOf(query, trail);
    if (view === undefined) throw new UnknownAction();
    return view;
  }
}
