import { Check, Column, Entity, ForeignKey, Unique } from 'typeorm';
import { CreatedAt, IdColumn, InstantColumn, MoneyColumn, UpdatedAt } from '../database/columns';
import { PerformanceIndex } from '../database/indexes/performance-index';

export const WITHDRAWAL_STATUSES = ['pending', 'confirmed', 'refused'] as const;
export type WithdrawalStatus = (typeof WITHDRAWAL_STATUSES)[number];

/** Money on its way out: reserved until an admin confirms that it was paid, or refuses it. */
@Entity('withdrawals')
@PerformanceIndex('withdrawals_by_decider', {
  on: ['decidedBy'],
  serves: 'how much somebody decided, as when that user is to be removed',
  query: 'SELECT count(*) FROM withdrawals WHERE decided_by = :decided_by',
})
@PerformanceIndex('withdrawals_pending', {
  on: ['id'],
  where: `status = 'pending'`,
  serves: 'withdrawals that wait for a decision, newest first',
  query: `SELECT id, user_id, amount, reference
    FROM withdrawals
    WHERE status = 'pending'
    ORDER BY id DESC LIMIT 50`,
})
@Unique(['userId', 'reference'])
@Check('withdrawals_amount_positive', 'amount > 0')
export class Withdrawal {
  @IdColumn()
  id: string;

  @Column('uuid')
  @ForeignKey('users')
  userId: string;

  @MoneyColumn()
  amount: bigint;

  /** The owner's own reference, once per owner. */
  @Column('text')
  reference: string;

  @Column({ type: 'enum', enum: WITHDRAWAL_STATUSES, enumName: 'withdrawal_status', default: 'pending' })
  status: WithdrawalStatus;

  @Column('uuid', { nullable: true })
  @ForeignKey('users')
  decidedBy: string | null;

  @InstantColumn({ nullable: true })
  decidedAt: Date | null;

  @CreatedAt()
  createdAt: Date;

  @UpdatedAt()
  updatedAt: Date;
}
