import { Check, Column, Entity, ForeignKey, Index } from 'typeorm';
import type { Money, Price, WattHours } from '../common/units';
import {
  CreatedAt,
  EnergyColumn,
  IdColumn,
  InstantColumn,
  MoneyColumn,
  PriceColumn,
  UpdatedAt,
} from '../database/columns';
import { EnergyOrder } from './energy-order.entity';
import { TRANSACTION_STATUSES, type TransactionStatus } from './life-cycle';
import { EnergyOffer } from './offer.entity';

/**
 * One sale: energy of an offer that a buyer bought directly or through an order. A completed one is settled;
 * a pending one holds the seller's energy and the buyer's money reserved until it is settled or called off.
 */
@Entity('energy_transactions')
// What a seller sold, newest first.
@Index('idx_energy_transactions_seller', ['sellerId', 'id'])
// What a buyer bought, newest first.
@Index('idx_energy_transactions_buyer', ['buyerId', 'id'])
// What waits for a chain or an acceptance, oldest first.
@Index('idx_energy_transactions_status', ['status', 'id'], { where: `status IN ('pending', 'processing')` })
// The sales of one offer.
@Index('idx_energy_transactions_offer', ['offerId', 'id'])
// The fills of one order.
@Index('idx_energy_transactions_order', ['orderId', 'id'], { where: 'order_id IS NOT NULL' })
// What was settled in a period.
@Index('idx_energy_transactions_settled', ['settledAt', 'id'], { where: 'settled_at IS NOT NULL' })
// The sales that one transaction on the chain settled.
@Index('idx_energy_transactions_blockchain', ['blockchainTxSignature'], {
  where: 'blockchain_tx_signature IS NOT NULL',
})
// What two participants traded with each other, whoever sold:
// (least(seller_id, buyer_id), greatest(seller_id, buyer_id), created_at DESC).
@Index('idx_energy_transactions_participants', { synchronize: false })
@Check('energy_transactions_amount_positive', 'amount_wh > 0')
@Check('energy_transactions_price_positive', 'price > 0')
@Check('energy_transactions_fee_within_total', 'fee >= 0 AND fee <= total')
@Check('energy_transactions_no_self_trade', 'seller_id <> buyer_id')
@Check('energy_transactions_settled_when_completed', `(status = 'completed') = (settled_at IS NOT NULL)`)
export class EnergyTransaction {
  @IdColumn()
  id: string;

  @Column('uuid')
  @ForeignKey(() => EnergyOffer)
  offerId: string;

  /** The order that was matched; null for a direct purchase. */
  @Column('uuid', { nullable: true })
  @ForeignKey(() => EnergyOrder)
  orderId: string | null;

  @Column('uuid')
  @ForeignKey('users')
  sellerId: string;

  @Column('uuid')
  @ForeignKey('users')
  buyerId: string;

  @EnergyColumn()
  amountWh: WattHours;

  /** The offer's price per kWh. */
  @PriceColumn()
  price: Price;

  /** What the buyer pays: amount × price, rounded down. */
  @MoneyColumn()
  total: Money;

  /** The platform's part of the total; the seller gets the rest. */
  @MoneyColumn()
  fee: Money;

  @Column({ type: 'enum', enum: TRANSACTION_STATUSES, enumName: 'energy_transaction_status' })
  status: TransactionStatus;

  @InstantColumn({ nullable: true })
  settledAt: Date | null;

  /** Empty until the transaction stands on a chain. */
  @Column('text', { nullable: true })
  blockchainTxSignature: string | null;

  @CreatedAt()
  createdAt: Date;

  @UpdatedAt()
  updatedAt: Date;
}
