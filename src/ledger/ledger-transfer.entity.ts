import { Column, Entity, Index } from 'typeorm';
import { CreatedAt, IdColumn } from '../database/columns';

/** One booking: a set of entries that sum to zero per asset, and what they were for. */
@Entity('ledger_transfers')
@Index('ledger_transfers_deposit_reference', ['reference'], { unique: true, where: `kind = 'deposit'` })
@Index('ledger_transfers_mint_reference', ['reference'], { unique: true, where: `kind = 'mint'` })
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
