import { Check, Column, Entity, ForeignKey } from 'typeorm';
import { CreatedAt, IdColumn, MoneyColumn, UpdatedAt } from '../database/columns';
import { PerformanceIndex } from '../database/indexes/performance-index';

/**
 * What somebody has of one asset. A user's `reserved` bucket holds what open orders, offers and withdrawals
 * have claimed. Platform accounts (fees, issuance, deposits) are the other side of what users hold and may
 * be negative: the sum over all accounts of an asset is zero.
 */
@Entity('ledger_accounts')
@PerformanceIndex('ledger_accounts_of_user', {
  on: ['userId', 'asset', 'bucket'],
  unique: true,
  where: 'user_id IS NOT NULL',
  serves: "a user's balances",
  query: `SELECT asset, bucket, balance
    FROM ledger_accounts
    WHERE user_id = :user_id
    ORDER BY asset`,
})
@PerformanceIndex('ledger_accounts_of_platform', {
  on: ['platform', 'asset', 'bucket'],
  unique: true,
  where: 'platform IS NOT NULL',
  serves: "the platform's account of one purpose",
  query: `SELECT id, balance
    FROM ledger_accounts
    WHERE platform = :platform AND asset = :asset`,
})
@Check('ledger_accounts_one_owner', '(user_id IS NULL) <> (platform IS NULL)')
@Check('ledger_accounts_user_never_negative', 'user_id IS NULL OR balance >= 0')
export class LedgerAccount {
  @IdColumn()
  id: string;

  @Column('uuid', { nullable: true })
  @ForeignKey('users')
  userId: string | null;

  /** What the platform's account is for: `issuance`, `deposits`, `fees:<market>`. */
  @Column('text', { nullable: true })
  platform: string | null;

  /** The settlement currency (micro-units), or `energy:<source>` (watt-hours). */
  @Column('text')
  asset: string;

  @Column({ type: 'enum', enum: ['available', 'reserved'], enumName: 'ledger_bucket' })
  bucket: 'available' | 'reserved';

  @MoneyColumn({ default: '0' })
  balance: bigint;

  @CreatedAt()
  createdAt: Date;

  @UpdatedAt()
  updatedAt: Date;
}
