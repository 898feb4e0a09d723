import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { LedgerAccount } from './ledger-account.entity';
import { LedgerTransfer } from './ledger-transfer.entity';
import { MoneyColumn } from '../database/columns';

/** One side of a transfer: what an account gained (positive) or gave. Append-only, partitioned by month. */
@Entity('ledger_entries')
@Index('ledger_entries_transfer_id', ['transferId'])
@Check('ledger_entries_not_zero', 'amount <> 0')
export class LedgerEntry {
  @PrimaryColumn('uuid')
  @ForeignKey(() => LedgerAccount)
  accountId: string;

  @PrimaryColumn('uuid')
  id: string;

  @Column('uuid')
  @ForeignKey(() => LedgerTransfer)
  transferId: string;

  /** In the unit of the account's asset. */
  @MoneyColumn()
  amount: bigint;

  @PrimaryColumn({ type: 'timestamptz', precision: 3 })
  createdAt: Date;
}
