import type { Money, Price, WattHours } from '../common/units';

/**
 * What an order is, wherever it is: in a request, in a book, in the database. Energy in Wh, money in
 * micro-units of the settlement currency, prices in micro-units per kWh.
 */

export const SIDES = ['buy', 'sell'] as const;
export type Side = (typeof SIDES)[number];

export const ORDER_TYPES = ['limit', 'market'] as const;
export type OrderType = (typeof ORDER_TYPES)[number];

/**
 * How long an order may wait: until cancelled (gtc), until its expiresAt (gtd), not at all (ioc: what does
 * not fill at once is cancelled; fok: it fills at once and in full, or not at all).
 */
export const TIMES_IN_FORCE = ['gtc', 'ioc', 'fok', 'gtd'] as const;
export type TimeInForce = (typeof TIMES_IN_FORCE)[number];

/** `rejected` is for an order that was taken and refused later; one refused at once is never stored. */
export const ORDER_STATUSES = [
  'open',
  'partially_filled',
  'filled',
  'cancelled',
  'expired',
  'rejected',
] as const;
export type OrderStatus = (typeof ORDER_STATUSES)[number];

/** Why an order ended before it was filled. */
export const ORDER_REASONS = [
  'cancelled_by_owner',
  'self_trade',
  'no_liquidity',
  'not_fillable',
  'max_amount_reached',
  'expired',
] as const;
export type OrderReason = (typeof ORDER_REASONS)[number];

/** An order as somebody sends it, its form checked but not yet the market's rules. */
export interface OrderRequest {
  readonly market: string;
  readonly side: Side;
  readonly type: OrderType;
  readonly timeInForce: TimeInForce;
  readonly quantityWh: WattHours;
  /** The limit; null of a market order. */
  readonly pricePerKwh: Price | null;
  /** The most that a market buy may cost; null of every other order. */
  readonly maxAmount: Money | null;
  /** Of gtd orders only. */
  readonly expiresAt: Date | null;
  /** The owner's own name for it, once per owner, so that an order sent again is not placed again. */
  readonly clientOrderId: string | null;
}

/** An order that a market has taken. What matching and cancelling change is not readonly. */
export interface Order extends OrderRequest {
  readonly id: string;
  readonly userId: string;
  filledWh: WattHours;
  /** What its fills cost together. */
  filledAmount: Money;
  /** What is still reserved for it in the ledger: money of a buy, Wh of a sell. */
  reservedAmount: bigint;
  status: OrderStatus;
  reason: OrderReason | null;
  /** The market's sequence when it was placed: its priority among orders at one price. */
  readonly sequence: bigint;
  /** The market's sequence when it last changed. */
  changedSequence: bigint;
  filledAt: Date | null;
  readonly createdAt: Date;
}

/** An order that waits in the book. Only limit orders do. */
export type RestingOrder = Order & { readonly pricePerKwh: Price };

/** Two orders met: energy, the resting order's price, and what it cost (see `costOf`) with the seller's fee. */
export interface Execution {
  readonly id: string;
  readonly market: string;
  readonly buyOrderId: string;
  readonly sellOrderId: string;
  readonly buyerId: string;
  readonly sellerId: string;
  readonly quantityWh: WattHours;
  readonly pricePerKwh: Price;
  readonly amount: Money;
  readonly fee: Money;
  readonly sequence: bigint;
  readonly executedAt: Date;
}

export const opposite = (side: Side): Side => (side === 'buy' ? 'sell' : 'buy');

export const isResting = ({ status }: Pick<Order, 'status'>): boolean =>
  status === 'open' || status === 'partially_filled';

export const remainingOf = ({ quantityWh, filledWh }: Pick<Order, 'quantityWh' | 'filledWh'>): WattHours =>
  (quantityWh - filledWh) as WattHours;

/** An order is good up to its expiresAt, and no longer at it. */
export const hasExpired = ({ expiresAt }: Pick<Order, 'expiresAt'>, now: Date): boolean =>
  expiresAt !== null && expiresAt <= now;
