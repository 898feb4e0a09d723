import { Check, Column, Entity, ForeignKey } from 'typeorm';
import { CreatedAt, IdColumn, MoneyColumn, UpdatedAt } from '../database/columns';
import { PerformanceIndex } from '../database/indexes/performance-index';
import { Reconciliation } from './reconciliation.entity';

export const BREAK_STATUSES = ['open', 'assigned', 'proposed', 'resolved'] as const;
export type BreakStatus = (typeof BREAK_STATUSES)[number];

/** Something that should agree and does not, for somebody to look into. */
@Entity('reconciliation_breaks')
@PerformanceIndex('reconciliation_breaks_of_run', {
  on: ['reconciliationId', 'id'],
  serves: "a run's breaks",
  query: `SELECT id, type, entity, entity_id, expected, actual, status
    FROM reconciliation_breaks
    WHERE reconciliation_id = :reconciliation_id
    ORDER BY id LIMIT 50`,
})
@PerformanceIndex('reconciliation_breaks_of_type', {
  on: ['reconciliationId', 'type', 'id'],
  serves: "a run's breaks of one type",
  query: `SELECT id, entity, entity_id, expected, actual, status
    FROM reconciliation_breaks
    WHERE reconciliation_id = :reconciliation_id AND type = :type
    ORDER BY id LIMIT 50`,
  sample: `type <> 'UNMINTED_SURPLUS'`,
})
@Check('reconciliation_breaks_difference', 'difference = actual - expected')
export class ReconciliationBreak {
  @IdColumn()
  id: string;

  @Column('uuid')
  @ForeignKey(() => Reconciliation)
  reconciliationId: string;

  /** A code that never changes, such as `MINT_NOT_BOOKED`. */
  @Column('text')
  type: string;

  /** The table's thing that is wrong, and its key. */
  @Column('text')
  entity: string;

  @Column('text')
  entityId: string;

  /** `kWh`, the amounts below being watt-hours; or a currency, they being its micro-units. */
  @Column('text')
  unit: string;

  @MoneyColumn()
  expected: bigint;

  @MoneyColumn()
  actual: bigint;

  /** Actual less expected. */
  @MoneyColumn()
  difference: bigint;

  /** A sentence for people. */
  @Column('text')
  detail: string;

  @Column({ type: 'enum', enum: BREAK_STATUSES, enumName: 'reconciliation_break_status', default: 'open' })
  status: BreakStatus;

  @CreatedAt()
  createdAt: Date;

  @UpdatedAt()
  updatedAt: Date;
}
