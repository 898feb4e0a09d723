import type { Money, Price, WattHours } from '../common/units';
import type { Order, OrderReason, OrderStatus, OrderType, Side, TimeInForce } from './order';

/** A row of trading_orders, as prepared statements answer it. */
export interface OrderRow {
  id: string;
  user_id: string;
  market: string;
  side: Side;
  type: OrderType;
  time_in_force: TimeInForce;
  price_per_kwh: Price | null;
  max_amount: Money | null;
  quantity_wh: WattHours;
  filled_wh: WattHours;
  filled_amount: Money;
  reserved_amount: bigint;
  status: OrderStatus;
  reason: OrderReason | null;
  sequence: bigint;
  changed_sequence: bigint;
  expires_at: Date | null;
  filled_at: Date | null;
  client_order_id: string | null;
  created_at: Date;
}

export const ORDER_COLUMNS =
  'id, user_id, market, side, type, time_in_force, price_per_kwh, max_amount, quantity_wh, filled_wh, filled_amount, ' +
  'reserved_amount, status, reason, sequence, changed_sequence, expires_at, filled_at, client_order_id, created_at';

export const orderOf = (row: OrderRow): Order => ({
  id: row.id,
  userId: row.user_id,
  market: row.market,
  side: row.side,
  type: row.type,
  timeInForce: row.time_in_force,
  pricePerKwh: row.price_per_kwh,
  maxAmount: row.max_amount,
  quantityWh: row.quantity_wh,
  filledWh: row.filled_wh,
  filledAmount: row.filled_amount,
  reservedAmount: row.reserved_amount,
  status: row.status,
  reason: row.reason,
  sequence: row.sequence,
  changedSequence: row.changed_sequence,
  expiresAt: row.expires_at,
  filledAt: row.filled_at,
  clientOrderId: row.client_order_id,
  createdAt: row.created_at,
});
