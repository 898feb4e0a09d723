import { Check, Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';
import { LedgerAccount } from './ledger-account.entity';
import { LedgerTransfer } from './ledger-transfer.entity';
import { MoneyColumn } from '../database/columns';
import { PerformanceIndex } from '../database/indexes/performance-index';

/** One side of a transfer: what an account gained (positive) or gave. Append-only, partitioned by month. */
@Entity('ledger_entries')
@PerformanceIndex('ledger_entries_transfer_id', {
  on: ['transferId'],
  serves: 'the entries of a transfer',
  query: `SELECT account_id, id, amount
    FROM ledger_entries
    WHERE transfer_id = :transfer_id`,
})
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
