import { Injectable, Logger } from '@nestjs/common';
import { AuditService, type Actor, type Change } from '../../audit/audit.service';
import { reasonOf } from '../../database/failures';
import { ReservedDatabase } from '../../database/reserved-database';
import type { AuditedAction } from './audited-actions';

/** Something that is done while somebody waits for it. */
export interface Deed<Result> {
  readonly audited: AuditedAction;
  readonly entityId: string;
  /** What is known before it is begun. */
  readonly asked: Pick<Change, 'before' | 'after'>;
  work(): Promise<Result>;
  /** How it ended, and what the trail says of that. */
  outcomeOf(result: Result): { readonly done: boolean; readonly after: Record<string, unknown> };
  /** What the trail says of an error, which may repeat values. */
  reasonFor(error: unknown): Record<string, unknown>;
}

/** Writes what admins do to the database into the audit trail: what was asked for first, and by itself; in a jam too. */
@Injectable()
export class ActionTrail {
  private readonly logger = new Logger('DatabaseActions');

  constructor(
    private readonly database: ReservedDatabase,
    private readonly audit: AuditService,
  ) {}

  record(actor: Actor, change: Change): Promise<void> {
    return this.database.transaction((tx) => {
      this.audit.record(tx, actor, change);
      return Promise.resolve();
    });
  }

  /**
   * Does something between two records: that it was asked for, without which it is not begun, and how it ended.
   * @throws what `work` throws, also where that could not be recorded; and what keeps the trail from being written
   */
  async follow<Result>(actor: Actor, deed: Deed<Result>): Promise<Result> {
    const { audited, entityId, asked } = deed;
    const subject = { entity: audited.entity, entityId };
    await this.record(actor, { action: audited.requested, ...subject, ...asked });
    let result: Result;
    try {
      result = await deed.work();
    } catch (error) {
      const failure = { action: audited.failed, ...subject, after: deed.reasonFor(error) };
      await this.record(actor, failure).catch((lost: unknown) =>
        this.logger.error(`${audited.failed} ${entityId} is not in the audit trail: ${reasonOf(lost)}`),
      );
      throw error;
    }
    const { done, after } = deed.outcomeOf(result);
    await this.record(actor, { action: done ? audited.done : audited.failed, ...subject, after });
    return result;
  }
}
