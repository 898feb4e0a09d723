import type { EnergySource } from '../common/request-schemas';
import { formatKwh, formatMoney } from '../common/units';
import type { MarketStatus, Mechanism } from './market-terms';
import {
  remainingOf,
  type Execution,
  type Order,
  type OrderReason,
  type OrderStatus,
  type OrderType,
  type Side,
  type TimeInForce,
} from './order';

/** What the API shows of trading: kWh, money and prices as decimal strings, times in ISO 8601 UTC. */

export interface OrderView {
  readonly id: string;
  readonly userId: string;
  readonly market: string;
  readonly side: Side;
  readonly type: OrderType;
  readonly timeInForce: TimeInForce;
  readonly pricePerKwh: string | null;
  readonly maxAmount: string | null;
  readonly quantityKwh: string;
  readonly filledKwh: string;
  readonly remainingKwh: string;
  /** Per kWh over all its fills, rounded down; null before the first one. */
  readonly averagePrice: string | null;
  readonly status: OrderStatus;
  /** Why it ended before it was filled; null while it waits and when it was filled. */
  readonly reason: OrderReason | null;
  readonly expiresAt: string | null;
  readonly clientOrderId: string | null;
  readonly filledAt: string | null;
  readonly createdAt: string;
}

/** A trade as the owner of one of its orders sees it; only the seller pays a fee. */
export interface OrderTradeView {
  readonly id: string;
  readonly quantityKwh: string;
  readonly pricePerKwh: string;
  readonly amount: string;
  readonly fee?: string;
  readonly executedAt: string;
}

export type OrderWithTradesView = OrderView & { readonly trades: readonly OrderTradeView[] };

/** A trade as everybody sees it: no names. */
export interface PublicTradeView {
  readonly id: string;
  readonly market: string;
  readonly quantityKwh: string;
  readonly pricePerKwh: string;
  readonly amount: string;
  readonly sequence: number;
  readonly executedAt: string;
}

/** A trade as one of its two parties sees it; the other one is not named. */
export type OwnTradeView = OrderTradeView & {
  readonly market: string;
  readonly side: Side;
  readonly orderId: string;
};

export interface LevelView {
  readonly pricePerKwh: string;
  readonly quantityKwh: string;
  readonly orders: number;
}

/** What rests on a market, best prices first, as of one number of its sequence. */
export interface OrderBookView {
  readonly market: string;
  readonly sequence: number;
  readonly bids: readonly LevelView[];
  readonly asks: readonly LevelView[];
}

export interface MarketView {
  readonly id: string;
  readonly mechanism: Mechanism;
  readonly energySource: EnergySource;
  readonly tick: string;
  readonly lotKwh: string;
  readonly feeBps: number;
  readonly status: MarketStatus;
}

/** A market with its last price and the last 24 hours; prices are null where there was no trade. */
export interface MarketDataView extends MarketView {
  readonly lastPricePerKwh: string | null;
  readonly volume24hKwh: string;
  readonly vwap: string | null;
  readonly high: string | null;
  readonly low: string | null;
}

export function orderView(order: Order): OrderView {
  const { id, userId, market, side, type, timeInForce, status, reason } = order;
  return {
    id,
    userId,
    market,
    side,
    type,
    timeInForce,
    pricePerKwh: moneyOrNull(order.pricePerKwh),
    maxAmount: moneyOrNull(order.maxAmount),
    quantityKwh: formatKwh(order.quantityWh),
    filledKwh: formatKwh(order.filledWh),
    remainingKwh: formatKwh(remainingOf(order)),
    averagePrice: order.filledWh === 0n ? null : formatMoney((order.filledAmount * 1000n) / order.filledWh),
    status,
    reason,
    expiresAt: order.expiresAt?.toISOString() ?? null,
    clientOrderId: order.clientOrderId,
    filledAt: order.filledAt?.toISOString() ?? null,
    createdAt: order.createdAt.toISOString(),
  };
}

type Dealt = Pick<Execution, 'id' | 'quantityWh' | 'pricePerKwh' | 'amount' | 'fee' | 'executedAt'>;

export function orderTradeView(trade: Dealt, side: Side): OrderTradeView {
  return {
    id: trade.id,
    quantityKwh: formatKwh(trade.quantityWh),
    pricePerKwh: formatMoney(trade.pricePerKwh),
    amount: formatMoney(trade.amount),
    ...(side === 'sell' ? { fee: formatMoney(trade.fee) } : {}),
    executedAt: trade.executedAt.toISOString(),
  };
}

export const orderWithTradesView = (order: Order, trades: readonly Dealt[]): OrderWithTradesView => ({
  ...orderView(order),
  trades: trades.map((trade) => orderTradeView(trade, order.side)),
});

export const moneyOrNull = (micro: bigint | null): string | null =>
  micro === null ? null : formatMoney(micro);
