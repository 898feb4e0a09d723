import { costOf, type Money, type Price, type WattHours } from '../common/units';
import {
  hasExpired,
  remainingOf,
  type Order,
  type OrderReason,
  type OrderRequest,
  type RestingOrder,
} from './order';

/** What matching needs to know of an order that arrives. */
export type Taker = Pick<Order, 'userId'> & Omit<OrderRequest, 'market' | 'expiresAt' | 'clientOrderId'>;

/** What matching needs to know of an order that waits. */
export type Maker = Pick<RestingOrder, 'userId' | 'pricePerKwh' | 'quantityWh' | 'filledWh' | 'expiresAt'>;

/** One meeting of the taker with an order of the book, at that order's price. */
export interface Fill<Resting extends Maker = Maker> {
  readonly maker: Resting;
  readonly energy: WattHours;
  readonly price: Price;
  /** energy × price, rounded down. */
  readonly amount: Money;
}

/** What becomes of the rest of the taker: there is none, it waits in the book, or it is cancelled for a reason. */
export type Remainder = 'none' | 'rests' | OrderReason;

export interface Match<Resting extends Maker = Maker> {
  readonly fills: readonly Fill<Resting>[];
  readonly remainder: Remainder;
}

/**
 * Matches an order that arrives against the other side of the book: price first, then time, each fill at the
 * price of the order that waited. Nothing is changed; the caller applies the fills.
 *
 * - Expired orders never match. Against an order of the same owner the taker stops and its rest is cancelled.
 * - A market buy takes as much as its maxAmount pays exactly, in whole lots.
 * - fok fills in full or not at all; ioc and market orders never wait.
 * @param bestFirst the orders of the other side, in priority order
 * @param lot the least energy and the step of the market
 */
export function match<Resting extends Maker>(
  taker: Taker,
  bestFirst: Iterable<Resting>,
  lot: WattHours,
  now: Date,
): Match<Resting> {
  const fills: Fill<Resting>[] = [];
  let missing: bigint = taker.quantityWh;
  let budget: bigint | null = taker.maxAmount;
  let stopped: OrderReason | undefined;
  for (const maker of bestFirst) {
    if (missing === 0n || !crosses(taker, maker.pricePerKwh)) break;
    if (hasExpired(maker, now)) continue;
    if (maker.userId === taker.userId) {
      stopped = 'self_trade';
      break;
    }
    const wanted = least(missing, remainingOf(maker));
    const energy = budget === null ? wanted : least(wanted, affordable(budget, maker.pricePerKwh, lot));
    if (energy > 0n) {
      const fill = fillOf(maker, energy as WattHours);
      fills.push(fill);
      missing -= energy;
      if (budget !== null) budget -= fill.amount;
    }
    if (energy < wanted) {
      stopped = 'max_amount_reached';
      break;
    }
  }
  if (missing === 0n) return { fills, remainder: 'none' };
  if (taker.timeInForce === 'fok') return { fills: [], remainder: 'not_fillable' };
  return { fills, remainder: stopped ?? (mayRest(taker) ? 'rests' : 'no_liquidity') };
}

/** Whether an order takes a price: a market order takes any, a limit order its limit or better. */
export function crosses(
  { side, pricePerKwh: limit }: Pick<Taker, 'side' | 'pricePerKwh'>,
  price: Price,
): boolean {
  if (limit === null) return true;
  return side === 'buy' ? price <= limit : price >= limit;
}

/** The most energy, in whole lots, whose cost (rounded down, as every fill's) is within the budget. */
export function affordable(budget: bigint, price: Price, lot: WattHours): bigint {
  const most = ((budget + 1n) * 1000n - 1n) / price;
  return most - (most % lot);
}

const mayRest = ({ type, timeInForce }: Taker): boolean =>
  type === 'limit' && (timeInForce === 'gtc' || timeInForce === 'gtd');

const least = (one: bigint, other: bigint): bigint => (one < other ? one : other);

function fillOf<Resting extends Maker>(maker: Resting, energy: WattHours): Fill<Resting> {
  const price = maker.pricePerKwh;
  return { maker, energy, price, amount: costOf(energy, price) };
}
