import { Injectable, Logger } from '@nestjs/common';
import { DatabaseService } from '../../database/database.service';
import { reasonOf } from '../../database/failures';
import type { OwnerSession } from '../../database/schema/owner-session';
import { OwnerWork } from '../maintenance/owner-work';
import { rebuildIndex } from '../maintenance/rebuild-indexes';
import { ActionTrail } from './action-trail';
import { tableNamed } from './action-targets';
import { AUDITED_ACTIONS } from './audited-actions';
import {
  actionOf,
  isOutcome,
  isRequest,
  trailOf,
  workOf,
  type LongAction,
  type TrailRow,
} from './database-action';

type Figures = Readonly<Record<string, unknown>>;

/** Does what was asked for, once: by whichever process comes first, and again by another where that one dies. */
@Injectable()
export class ActionRunner {
  private readonly logger = new Logger('DatabaseActions');

  constructor(
    private readonly work: OwnerWork,
    private readonly database: DatabaseService,
    private readonly trail: ActionTrail,
  ) {}

  /** Nothing to do where it is done already, or somebody is at it. */
  async run(id: string): Promise<void> {
    await this.work.alone(workOf(id), async (session, signal) => {
      const trail = await trailOf((text, values) => this.database.query(text, values), id);
      const request = trail.find(isRequest);
      const action = request && actionOf(request);
      if (request === undefined || action === undefined || trail.some(isOutcome)) return;
      const began = Date.now();
      const { done, failed } = AUDITED_ACTIONS[action];
      try {
        const figures = await perform(action, session, request.entity_id, signal);
        await this.conclude(request, done, { durationMs: Date.now() - began, ...figures });
      } catch (error) {
        if (this.work.isUnfinished(error)) throw error;
        await this.conclude(request, failed, { durationMs: Date.now() - began, reason: reasonOf(error) });
      }
    });
  }

  /** In the name of whoever asked for it. */
  private async conclude(request: TrailRow, action: string, figures: Figures): Promise<void> {
    const { user_id: userId, organization_id: organizationId, request_id: requestId } = request;
    const actor = userId === null ? null : { userId, organizationId, requestId: requestId ?? '' };
    const { entity_id: entityId, after } = request;
    const { entity } = AUDITED_ACTIONS[actionOf(request) ?? 'vacuum'];
    await this.trail.record(actor, {
      action,
      entity,
      entityId,
      after: { actionId: after.actionId, ...figures },
    });
    this.logger.log(`${action} ${entityId}: ${JSON.stringify(figures)}`);
  }
}

/** What was there when it was asked for may be gone by now. */
async function perform(
  action: LongAction,
  session: OwnerSession,
  target: string,
  signal: AbortSignal,
): Promise<Figures> {
  if (action === 'reindex') return rebuildIndex(session, target, signal);
  const { sql } = await tableNamed(session.runner, target);
  await session.runner.query(action === 'vacuum' ? `VACUUM (ANALYZE) ${sql}` : `ANALYZE ${sql}`);
  return {};
}
