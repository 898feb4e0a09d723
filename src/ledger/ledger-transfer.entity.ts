import { Column, Entity } from 'typeorm';
import { CreatedAt, IdColumn } from '../database/columns';
import { PerformanceIndex } from '../database/indexes/performance-index';

/** One booking: a set of entries that sum to zero per asset, and what they were for. */
@Entity('ledger_transfers')
@PerformanceIndex('ledger_transfers_deposit_reference', {
  on: ['reference'],
  unique: true,
  where: `kind = 'deposit'`,
  serves: 'whether a deposit was booked: no payment is booked twice',
  query: `SELECT id
    FROM ledger_transfers
    WHERE kind = 'deposit' AND reference = :reference`,
})
@PerformanceIndex('ledger_transfers_mint_reference', {
  on: ['reference'],
  unique: true,
  where: `kind = 'mint'`,
  serves: 'the booking of a mint: no mint is booked twice',
  query: `SELECT id FROM ledger_transfers WHERE kind = 'mint' AND reference = :reference`,
})
export class LedgerTransfer {
  @IdColumn()
  id: string;

  /** `deposit`, `withdrawal.requested`, `mint`, `trade` and so on. */
  @Column('text')
  kind: string;

  /** The key of what caused it: an order, a trade, a mint, or a reference from outside. */
  @Column('text')
  reference: string;

  @CreatedAt()
  createdAt: Date;
}
