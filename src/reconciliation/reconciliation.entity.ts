import { Check, Column, Entity, ForeignKey } from 'typeorm';
import { CreatedAt, IdColumn, InstantColumn, MoneyColumn, UpdatedAt } from '../database/columns';
import { PerformanceIndex } from '../database/indexes/performance-index';
import { Project } from './project.entity';

export const RECONCILIATION_STATUSES = ['pending', 'running', 'completed', 'failed', 'cancelled'] as const;
export type ReconciliationStatus = (typeof RECONCILIATION_STATUSES)[number];

const NOT_AS_USUAL = `status <> 'completed'`;

/** One run of a comparison. */
@Entity('reconciliations')
@PerformanceIndex('idx_reconciliations_status', {
  on: ['status', 'updatedAt'],
  where: `status IN ('running', 'failed')`,
  serves: 'runs that failed, or that work, longest untouched first',
  query: `SELECT id, project_id, reference, amount, status, created_at
    FROM reconciliations
    WHERE status = 'failed'
    ORDER BY updated_at LIMIT 50`,
})
@PerformanceIndex('idx_reconciliations_pending', {
  on: ['createdAt', 'id'],
  include: ['projectId', 'reference', 'amount'],
  where: `status = 'pending'`,
  serves: 'what waits, of the last seven days, with its project, newest first',
  query: `SELECT r.id, r.reference, r.amount, r.created_at, p.name AS project_name
    FROM reconciliations r JOIN projects p ON p.id = r.project_id
    WHERE r.status = 'pending' AND r.created_at > now() - interval '7 days'
    ORDER BY r.created_at DESC LIMIT 100`,
})
@PerformanceIndex('idx_reconciliations_project_status', {
  on: ['projectId', 'status', 'createdAt', 'id'],
  order: { createdAt: 'DESC', id: 'DESC' },
  serves: "a project's runs in one status, newest first",
  query: `SELECT id, project_id, reference, amount, status, created_at
    FROM reconciliations
    WHERE project_id = :project_id AND status = :status
    ORDER BY created_at DESC, id DESC LIMIT 50`,
  sample: NOT_AS_USUAL,
})
@PerformanceIndex('idx_reconciliations_covering', {
  on: ['projectId', 'reference'],
  include: ['amount', 'status'],
  serves: 'amount and status of a reference within a project, without a look into the table',
  query: `SELECT reference, amount, status
    FROM reconciliations
    WHERE project_id = :project_id AND reference = :reference`,
})
@PerformanceIndex('idx_reconciliations_metadata', {
  on: [{ sql: 'metadata', operatorClass: 'jsonb_path_ops' }],
  using: 'gin',
  serves: 'runs whose metadata contain something',
  query: `SELECT id, project_id, reference, amount, status
    FROM reconciliations
    WHERE metadata @> :metadata::jsonb`,
})
@PerformanceIndex('idx_reconciliations_project_id', {
  on: ['projectId', 'createdAt', 'id'],
  order: { createdAt: 'DESC', id: 'DESC' },
  serves: "a project's runs, newest first",
  query: `SELECT id, project_id, reference, amount, status, created_at
    FROM reconciliations
    WHERE project_id = :project_id
    ORDER BY created_at DESC, id DESC LIMIT 50`,
})
@PerformanceIndex('idx_reconciliations_created_at', {
  on: ['createdAt', 'id'],
  order: { createdAt: 'DESC', id: 'DESC' },
  serves: 'all runs, newest first',
  query: `SELECT id, project_id, reference, amount, status, created_at
    FROM reconciliations
    ORDER BY created_at DESC, id DESC LIMIT 50`,
})
@PerformanceIndex('idx_reconciliations_status_created', {
  on: ['status', 'createdAt', 'id'],
  order: { createdAt: 'DESC', id: 'DESC' },
  serves: 'all runs in one status, newest first',
  query: `SELECT id, project_id, reference, amount, status, created_at
    FROM reconciliations
    WHERE status = :status
    ORDER BY created_at DESC, id DESC LIMIT 50`,
  sample: NOT_AS_USUAL,
})
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
