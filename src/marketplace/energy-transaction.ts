import type { EnergySource } from '../common/request-schemas';
import { formatKwh, formatMoney, type Money, type Price, type WattHours } from '../common/units';
import type { TransactionStatus } from './life-cycle';

/** A transaction as the database tells it. */
export interface TransactionRow {
  readonly id: string;
  readonly offer_id: string;
  readonly order_id: string | null;
  readonly seller_id: string;
  readonly buyer_id: string;
  readonly energy_source: EnergySource;
  readonly amount_wh: WattHours;
  readonly price: Price;
  readonly total: Money;
  readonly fee: Money;
  readonly status: TransactionStatus;
  readonly settled_at: Date | null;
  readonly blockchain_tx_signature: string | null;
  readonly created_at: Date;
}

/** A transaction as its participants see it. */
export interface TransactionView {
  readonly id: string;
  readonly offerId: string;
  readonly orderId: string | null;
  readonly sellerId: string;
  readonly buyerId: string;
  readonly energySource: EnergySource;
  readonly amountKwh: string;
  readonly pricePerKwh: string;
  readonly total: string;
  readonly fee: string;
  readonly status: TransactionStatus;
  readonly settledAt: string | null;
  readonly blockchainTxSignature: string | null;
  readonly createdAt: string;
}

export function transactionView(row: TransactionRow): TransactionView {
  return {
    id: row.id,
    offerId: row.offer_id,
    orderId: row.order_id,
    sellerId: row.seller_id,
    buyerId: row.buyer_id,
    energySource: row.energy_source,
    amountKwh: formatKwh(row.amount_wh),
    pricePerKwh: formatMoney(row.price),
    total: formatMoney(row.total),
    fee: formatMoney(row.fee),
    status: row.status,
    settledAt: row.settled_at?.toISOString() ?? null,
    blockchainTxSignature: row.blockchain_tx_signature,
    createdAt: row.created_at.toISOString(),
  };
}
