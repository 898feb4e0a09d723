import { Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';
import { IdColumn } from '../database/columns';
import { PerformanceIndex } from '../database/indexes/performance-index';

const RECENT = `created_at > now() - interval '20 days'`;

/**
 * What somebody changed, when, and what it was before. Append-only: the application's role may neither
 * change nor delete a row. Partitioned by month of created_at; newest-first lists go by the UUIDv7 key.
 */
@Entity('audit_logs')
@PerformanceIndex('idx_audit_logs_user_id', {
  on: ['userId', 'id'],
  serves: 'what somebody did, newest first',
  query: `SELECT id, action, user_id, organization_id, entity, entity_id, request_id, created_at
    FROM audit_logs
    WHERE user_id = :user_id AND created_at >= date_trunc('month', now()) - interval '1 month' AND created_at < now() + interval '1 day'
    ORDER BY id DESC LIMIT 50`,
  sample: RECENT,
})
@PerformanceIndex('idx_audit_logs_action', {
  on: ['action', 'id'],
  serves: 'every time that something was done, newest first',
  query: `SELECT id, action, user_id, organization_id, entity, entity_id, request_id, created_at
    FROM audit_logs
    WHERE action = :action AND created_at >= date_trunc('month', now()) - interval '1 month' AND created_at < now() + interval '1 day'
    ORDER BY id DESC LIMIT 50`,
  sample: `action LIKE 'user.%' AND ${RECENT}`,
})
// A short record fills a gap that older pages have left: several spans for each range of pages allow for it.
@PerformanceIndex('idx_audit_logs_created', {
  on: [{ sql: 'created_at', operatorClass: 'timestamptz_minmax_multi_ops(values_per_range=16)' }],
  using: 'brin',
  with: { pages_per_range: 8 },
  serves: 'what was done in a span of time',
  query: `SELECT id, action, user_id, organization_id, entity, entity_id, request_id, created_at
    FROM audit_logs
    WHERE created_at >= :created_at::timestamptz AND created_at < :created_at::timestamptz + interval '1 hour'`,
  sample: `created_at BETWEEN now() - interval '25 days' AND now() - interval '5 days'`,
})
@PerformanceIndex('audit_logs_organization_id', {
  on: ['organizationId', 'id'],
  where: 'organization_id IS NOT NULL',
  serves: 'how much was done in an organisation, as when it is to be removed',
  query: 'SELECT count(*) FROM audit_logs WHERE organization_id = :organization_id',
})
export class AuditLog {
  @IdColumn()
  id: string;

  /** What was done, as `thing.verb`: `offer.purchased`. */
  @Column('text')
  action: string;

  /** Who did it; null for the system itself. */
  @Column('uuid', { nullable: true })
  @ForeignKey('users')
  userId: string | null;

  @Column('uuid', { nullable: true })
  @ForeignKey('organizations')
  organizationId: string | null;

  /** The table's thing that changed, and its key. */
  @Column('text')
  entity: string;

  @Column('text')
  entityId: string;

  @Column('jsonb', { nullable: true })
  before: Record<string, unknown> | null;

  @Column('jsonb', { nullable: true })
  after: Record<string, unknown> | null;

  @Column('text', { nullable: true })
  requestId: string | null;

  @PrimaryColumn({ type: 'timestamptz', precision: 3 })
  createdAt: Date;
}
