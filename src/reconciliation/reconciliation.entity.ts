import { Check, Column, Entity, ForeignKey, Index } from 'typeorm';
import { CreatedAt, IdColumn, InstantColumn, MoneyColumn, UpdatedAt } from '../database/columns';
import { Project } from './project.entity';

export const RECONCILIATION_STATUSES = ['pending', 'running', 'completed', 'failed', 'cancelled'] as const;
export type ReconciliationStatus = (typeof RECONCILIATION_STATUSES)[number];

/**
 * One run of a comparison. Indexes that are descending, covering or GIN stand in full in the migration;
 * what each serves:
 * - status: runs under way and failed ones, those untouched longest first
 * - pending: the queue of waiting runs, answered from the index alone
 * - project_status, project_id: a project's runs, of one status or all, newest first
 * - status_created, created_at: everybody's runs, of one status or all, newest first
 * - covering: what a project's runs of a reference came to, from the index alone
 * - metadata: runs by anything that is noted of them
 */
@Entity('reconciliations')
@Index('idx_reconciliations_status', ['status', 'updatedAt'], { where: `status IN ('running', 'failed')` })
@Index('idx_reconciliations_pending', { synchronize: false })
@Index('idx_reconciliations_project_status', { synchronize: false })
@Index('idx_reconciliations_covering', { synchronize: false })
@Index('idx_reconciliations_metadata', { synchronize: false })
@Index('idx_reconciliations_project_id', { synchronize: false })
@Index('idx_reconciliations_created_at', { synchronize: false })
@Index('idx_reconciliations_status_created', { synchronize: false })
@Check('reconciliations_progress', 'progress BETWEEN 0 AND 100')
@Check(
  'reconciliations_finish',
  `(status IN ('completed', 'failed', 'cancelled')) = (finished_at IS NOT NULL)`,
)
export class Reconciliation {
  @IdColumn()
  id: string;

  /** Null for a check that is built in. */
  @Column('uuid', { nullable: true })
  @ForeignKey(() => Project)
  projectId: string | null;

  /** What was reconciled: a name of the project's own, or the built-in check's, `energy`. */
  @Column('text')
  reference: string;

  /** How much was compared, in the smallest unit of what it is: watt-hours minted, for `energy`. */
  @MoneyColumn({ default: '0' })
  amount: bigint;

  @Column({
    type: 'enum',
    enum: RECONCILIATION_STATUSES,
    enumName: 'reconciliation_status',
    default: 'pending',
  })
  status: ReconciliationStatus;

  /** Per cent. */
  @Column('smallint', { default: 0 })
  progress: number;

  @Column('jsonb', { default: () => `'{}'` })
  metadata: Record<string, unknown>;

  /** The rule as it was when the run began; null for a check that is built in. */
  @Column('jsonb', { nullable: true })
  ruleSnapshot: Record<string, unknown> | null;

  @InstantColumn({ nullable: true })
  startedAt: Date | null;

  @InstantColumn({ nullable: true })
  finishedAt: Date | null;

  @CreatedAt()
  createdAt: Date;

  @UpdatedAt()
  updatedAt: Date;
}
