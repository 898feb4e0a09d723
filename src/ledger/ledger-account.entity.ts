import { Check, Column, Entity, ForeignKey, Index } from 'typeorm';
import { CreatedAt, IdColumn, MoneyColumn, UpdatedAt } from '../database/columns';

/**
 * What somebody has of one asset. A user's `reserved` bucket holds what open orders, offers and withdrawals
 * have claimed. Platform accounts (fees, issuance, deposits) are the other side of what users hold and may
 * be negative: the sum over all accounts of an asset is zero.
 */
@Entity('ledger_accounts')
@Index('ledger_accounts_of_user', ['userId', 'asset', 'bucket'], {
  unique: true,
  where: 'user_id IS NOT NULL',
})
@Index('ledger_accounts_of_platform', ['platform', 'asset', 'bucket'], {
  unique: true,
  where: 'platform IS NOT NULL',
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
