import { Check, Column, Entity, ForeignKey, Index, Unique } from 'typeorm';
import { CreatedAt, IdColumn, InstantColumn, MoneyColumn, UpdatedAt } from '../database/columns';

export const WITHDRAWAL_STATUSES = ['pending', 'confirmed', 'refused'] as const;
export type WithdrawalStatus = (typeof WITHDRAWAL_STATUSES)[number];

/** Money on its way out: reserved until an admin confirms that it was paid, or refuses it. */
@Entity('withdrawals')
@Unique(['userId', 'reference'])
@Index('withdrawals_of_user', ['userId', 'id'])
@Index('withdrawals_by_decider', ['decidedBy'])
@Index('withdrawals_pending', ['id'], { where: `status = 'pending'` })
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
