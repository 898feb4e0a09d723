import { Check, Column, Entity, ForeignKey } from 'typeorm';
import { ENERGY_SOURCES, type EnergySource } from '../common/request-schemas';
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
import { PerformanceIndex } from '../database/indexes/performance-index';
import { EnergyOrder } from './energy-order.entity';
import { TRANSACTION_STATUSES, type TransactionStatus } from './life-cycle';
import { EnergyOffer } from './offer.entity';

const NOT_COMPLETED = `status <> 'completed'`;

/**
 * One sale: energy of an offer that a buyer bought directly or through an order. A completed one is settled;
 * a pending one holds the seller's energy and the buyer's money reserved until it is settled or called off.
 */
@Entity('energy_transactions')
@PerformanceIndex('idx_energy_transactions_seller', {
  on: ['sellerId', 'id'],
  serves: 'what a seller sold, newest first',
  query: `SELECT id, offer_id, order_id, seller_id, buyer_id, amount_wh, price, total, fee, status
    FROM energy_transactions
    WHERE seller_id = :seller_id
    ORDER BY id DESC LIMIT 50`,
})
@PerformanceIndex('idx_energy_transactions_buyer', {
  on: ['buyerId', 'id'],
  serves: 'what a buyer bought, newest first',
  query: `SELECT id, offer_id, order_id, seller_id, buyer_id, amount_wh, price, total, fee, status
    FROM energy_transactions
    WHERE buyer_id = :buyer_id
    ORDER BY id DESC LIMIT 50`,
})
@PerformanceIndex('idx_energy_transactions_status', {
  on: ['status', 'id'],
  where: `status IN ('pending', 'processing')`,
  serves: 'what waits for a chain or an acceptance, oldest first',
  query: `SELECT id, offer_id, order_id, seller_id, buyer_id, amount_wh, price, total, fee, status
    FROM energy_transactions
    WHERE status = 'pending'
    ORDER BY id LIMIT 50`,
})
@PerformanceIndex('energy_transactions_of_buyer_status', {
  on: ['buyerId', 'status', 'id'],
  where: NOT_COMPLETED,
  serves: 'what a buyer bought that is not completed, by its status, newest first',
  query: `SELECT id, offer_id, order_id, seller_id, buyer_id, amount_wh, price, total, fee, status
    FROM energy_transactions
    WHERE buyer_id = :buyer_id AND status <> 'completed' AND status = :status
    ORDER BY id DESC LIMIT 50`,
})
@PerformanceIndex('energy_transactions_of_seller_status', {
  on: ['sellerId', 'status', 'id'],
  where: NOT_COMPLETED,
  serves: 'what a seller sold that is not completed, by its status, newest first',
  query: `SELECT id, offer_id, order_id, seller_id, buyer_id, amount_wh, price, total, fee, status
    FROM energy_transactions
    WHERE seller_id = :seller_id AND status <> 'completed' AND status = :status
    ORDER BY id DESC LIMIT 50`,
})
@PerformanceIndex('idx_energy_transactions_offer', {
  on: ['offerId', 'id'],
  serves: 'the sales of one offer, newest first',
  query: `SELECT id, offer_id, order_id, seller_id, buyer_id, amount_wh, price, total, fee, status
    FROM energy_transactions
    WHERE offer_id = :offer_id
    ORDER BY id DESC LIMIT 50`,
})
@PerformanceIndex('idx_energy_transactions_order', {
  on: ['orderId', 'id'],
  where: 'order_id IS NOT NULL',
  serves: 'the fills of one order, newest first',
  query: `SELECT id, offer_id, order_id, seller_id, buyer_id, amount_wh, price, total, fee, status
    FROM energy_transactions
    WHERE order_id = :order_id
    ORDER BY id DESC LIMIT 50`,
})
@PerformanceIndex('idx_energy_transactions_settled', {
  on: ['settledAt', 'id'],
  where: 'settled_at IS NOT NULL',
  serves: 'what was settled in a period',
  query: `SELECT id, offer_id, order_id, seller_id, buyer_id, amount_wh, price, total, fee, status
    FROM energy_transactions
    WHERE settled_at >= :settled_at::timestamptz AND settled_at < :settled_at::timestamptz + interval '1 hour'
    ORDER BY settled_at, id`,
})
@PerformanceIndex('idx_energy_transactions_blockchain', {
  on: ['blockchainTxSignature'],
  where: 'blockchain_tx_signature IS NOT NULL',
  serves: 'the sales that one transaction on the chain settled',
  query: `SELECT id, offer_id, order_id, seller_id, buyer_id, amount_wh, price, total, fee, status
    FROM energy_transactions
    WHERE blockchain_tx_signature = :blockchain_tx_signature`,
})
@PerformanceIndex('idx_energy_transactions_participants', {
  on: [
    { sql: 'least(seller_id, buyer_id)' },
    { sql: 'greatest(seller_id, buyer_id)' },
    { sql: 'created_at DESC' },
  ],
  serves: 'what two participants traded with each other, whoever sold, newest first',
  query: `SELECT id, offer_id, order_id, seller_id, buyer_id, amount_wh, price, total, fee, status
    FROM energy_transactions
    WHERE least(seller_id, buyer_id) = least(:seller_id::uuid, :buyer_id::uuid) AND greatest(seller_id, buyer_id) = greatest(:seller_id::uuid, :buyer_id::uuid)
    ORDER BY created_at DESC LIMIT 50`,
})
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

  /** What was sold: the offer's. */
  @Column({ type: 'enum', enum: ENERGY_SOURCES, enumName: 'energy_source' })
  energySource: EnergySource;

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
