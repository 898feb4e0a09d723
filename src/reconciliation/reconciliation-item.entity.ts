import { Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';
import { CreatedAt, MoneyColumn } from '../database/columns';
import { PerformanceIndex } from '../database/indexes/performance-index';
import { Reconciliation } from './reconciliation.entity';

export const RECONCILIATION_ITEM_STATUSES = [
  'pending',
  'matched',
  'mismatched',
  'missing_left',
  'missing_right',
] as const;
export type ReconciliationItemStatus = (typeof RECONCILIATION_ITEM_STATUSES)[number];

/**
 * One thing that a run compared, with what either side says. Partitioned by hash of the run, so that a run's
 * items lie together and can be moved to a shard; only the parent is known here.
 */
@Entity('reconciliation_items')
@PerformanceIndex('idx_reconciliation_items_reconciliation_id', {
  on: ['reconciliationId', 'status', 'id'],
  serves: "a run's items in one status",
  query: `SELECT id, reference, status, left_amount, right_amount
    FROM reconciliation_items
    WHERE reconciliation_id = :reconciliation_id AND status = :status
    ORDER BY id LIMIT 50`,
  sample: `status NOT IN ('matched', 'pending')`,
})
export class ReconciliationItem {
  @PrimaryColumn('uuid')
  @ForeignKey(() => Reconciliation)
  reconciliationId: string;

  @PrimaryColumn('uuid')
  id: string;

  /** By what the two sides were matched. */
  @Column('text')
  reference: string;

  @Column({
    type: 'enum',
    enum: RECONCILIATION_ITEM_STATUSES,
    enumName: 'reconciliation_item_status',
    default: 'pending',
  })
  status: ReconciliationItemStatus;

  /** Null where that side has no such row. */
  @MoneyColumn({ nullable: true })
  leftAmount: bigint | null;

  @MoneyColumn({ nullable: true })
  rightAmount: bigint | null;

  @Column('jsonb', { default: () => `'{}'` })
  detail: Record<string, unknown>;

  @CreatedAt()
  createdAt: Date;
}
