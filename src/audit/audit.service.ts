import { Injectable } from '@nestjs/common';
import type { Principal } from '../auth/principal';
import { decodeCursor, pageOf, UUID_SHAPE, type Page, type PageRequest } from '../common/cursor';
import { newId } from '../common/id';
import { DatabaseService } from '../database/database.service';
import { Partitions } from '../database/partitions';
import { recentKeysFirst, type Span } from '../database/recent-months';
import type { Statement } from '../database/statement';
import type { Transaction } from '../database/transaction';

/** Who did it; `null` stands for the system itself (jobs, first boot). */
export type Actor = Pick<Principal, 'userId' | 'organizationId' | 'requestId'> | null;

/** One change. `before` and `after` hold what changed, in the forms that the API shows; never a secret. */
export interface Change {
  /** `thing.verb`, in the past tense: `offer.purchased`. */
  readonly action: string;
  readonly entity: string;
  readonly entityId: string;
  readonly before?: Record<string, unknown> | undefined;
  readonly after?: Record<string, unknown> | undefined;
}

interface AuditRow {
  id: string;
  action: string;
  user_id: string | null;
  organization_id: string | null;
  entity: string;
  entity_id: string;
  before: Record<string, unknown> | null;
  after: Record<string, unknown> | null;
  request_id: string | null;
  created_at: Date;
}

/** One change as the API shows it. */
export interface AuditRecordView {
  readonly id: string;
  /** `thing.verb`, in the past tense: `offer.purchased`. */
  readonly action: string;
  /** Who did it; null for the system itself. */
  readonly userId: string | null;
  readonly organizationId: string | null;
  readonly entity: string;
  readonly entityId: string;
  /** What was there, as far as it changed; null where nothing was. */
  readonly before: Record<string, unknown> | null;
  /** What is there now, as far as it changed. */
  readonly after: Record<string, unknown> | null;
  readonly requestId: string | null;
  readonly createdAt: Date;
}

export interface AuditFilter extends PageRequest {
  readonly action?: string | undefined;
  readonly userId?: string | undefined;
}

const NEWEST = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
const COLUMNS =
  'id, action, user_id, organization_id, entity, entity_id, before, after, request_id, created_at';

/** The trail of every change that an admin, an operator or money makes. */
@Injectable()
export class AuditService {
  private readonly pending = new WeakMap<Transaction, { actor: Actor; change: Change }[]>();

  constructor(
    private readonly database: DatabaseService,
    private readonly partitions: Partitions,
  ) {}

  /** Writes with the transaction: no change without its record. All records of it go in one statement. */
  record(tx: Transaction, actor: Actor, change: Change): void {
    const batch = this.pending.get(tx) ?? [];
    if (batch.length === 0) this.pending.set(tx, batch);
    batch.push({ actor, change });
    tx.beforeCommit(this, () => this.write(tx, batch));
  }

  /** Newest first; by action, by who did it, or all. */
  async list({ action, userId, limit, cursor }: AuditFilter): Promise<Page<AuditRecordView>> {
    const [before = NEWEST] = cursor === undefined ? [] : decodeCursor(cursor, [UUID_SHAPE]);
    const rows = await recentKeysFirst(before, limit + 1, (span) => {
      const { text, values } = trailPage({ action, userId }, before, limit + 1, span);
      // Some actions are rare and others are most of the trail: by its own index, or by time.
      return action === undefined
        ? this.database.query<AuditRow>(text, values)
        : this.database.queryPlanned<AuditRow>(text, values);
    });
    return pageOf(rows, limit, ({ id }) => [id], viewOf);
  }

  /** Makes the partitions that the coming months' records need. */
  prepareComingMonths(): Promise<void> {
    return this.partitions.ensureComing('audit_logs', new Date());
  }

  private async write(tx: Transaction, batch: readonly { actor: Actor; change: Change }[]): Promise<void> {
    const at = new Date();
    const rows = batch.map(({ actor, change }) => ({
      id: newId(),
      action: change.action,
      user_id: actor?.userId ?? null,
      organization_id: actor?.organizationId ?? null,
      entity: change.entity,
      entity_id: change.entityId,
      before: change.before ?? null,
      after: change.after ?? null,
      request_id: actor?.requestId ?? null,
      created_at: at,
    }));
    await tx.query(
      `INSERT INTO audit_logs (${COLUMNS})
       SELECT ${COLUMNS} FROM jsonb_to_recordset($1::jsonb) AS r(
         id uuid, action text, user_id uuid, organization_id uuid, entity text, entity_id text,
         before jsonb, after jsonb, request_id text, created_at timestamptz)`,
      [JSON.stringify(rows)],
    );
  }
}

/** A text of its own for each question: a plan that has to serve all of them reads the whole trail for a rare action. */
function trailPage(
  { action, userId }: Pick<AuditFilter, 'action' | 'userId'>,
  before: string,
  count: number,
  { from, to }: Span,
): Statement {
  const values: unknown[] = [before, count, from, to];
  const where = (column: string, value: string | undefined) =>
    value === undefined ? '' : `AND ${column} = $${values.push(value)}`;
  const text = `SELECT ${COLUMNS} FROM audit_logs
    WHERE id < $1 AND created_at >= $3 AND created_at < $4 ${where('action', action)} ${where('user_id', userId)}
    ORDER BY id DESC LIMIT $2`;
  return { text, values };
}

function viewOf(row: AuditRow): AuditRecordView {
  return {
    id: row.id,
    action: row.action,
    userId: row.user_id,
    organizationId: row.organization_id,
    entity: row.entity,
    entityId: row.entity_id,
    before: row.before,
    after: row.after,
    requestId: row.request_id,
    createdAt: row.created_at,
  };
}
