import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { IdColumn } from '../database/columns';

/**
 * What somebody changed, when, and what it was before. Append-only: the application's role may neither
 * change nor delete a row. Partitioned by month of created_at; newest-first lists go by the UUIDv7 key.
 */
@Entity('audit_logs')
@Index('idx_audit_logs_user_id', ['userId', 'id'])
@Index('idx_audit_logs_action', ['action', 'id'])
@Index('idx_audit_logs_created', ['createdAt'], { type: 'brin' })
@Index('audit_logs_organization_id', ['organizationId', 'id'], { where: 'organization_id IS NOT NULL' })
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
