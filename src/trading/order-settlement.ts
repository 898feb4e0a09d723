import { newId } from '../common/id';
import { feeOf, money, reserveFor, type Money, type WattHours } from '../common/units';
import {
  energyAsset,
  move,
  platformAccount,
  release,
  reserve,
  transfer,
  userAccount,
  type AccountKey,
  type Asset,
  type Transfer,
} from '../ledger/transfer';
import type { MarketTerms } from './market-terms';
import { remainingOf, type Execution, type Order, type OrderReason, type RestingOrder } from './order';
import type { Fill } from './order-matching';

/**
 * What orders, fills and endings mean for the books. An order's reserve is always exactly what the rest of
 * it demands: a sell its energy, a limit buy its cost at the limit rounded up, a market buy what is left of
 * its maxAmount. Whatever a fill or an ending makes needless is released with it, to the last micro-unit.
 */

/** The two assets that change hands on a market. */
export interface Assets {
  readonly money: Asset;
  readonly energy: Asset;
}

export const assetsOf = ({ energySource }: MarketTerms, currency: Asset): Assets => ({
  money: currency,
  energy: energyAsset(energySource),
});

/** Where, when and under which number in the market's sequence something happens. */
export interface Moment {
  readonly sequence: bigint;
  readonly now: Date;
}

/** What the rest of an order needs reserved: money of a buy, Wh of a sell. */
export function demandOf(
  order: Pick<Order, 'side' | 'quantityWh' | 'filledWh' | 'filledAmount' | 'pricePerKwh' | 'maxAmount'>,
): bigint {
  const remaining = remainingOf(order);
  if (remaining === 0n || order.side === 'sell') return remaining;
  if (order.pricePerKwh !== null) return reserveFor(remaining, order.pricePerKwh);
  return (order.maxAmount ?? 0n) - order.filledAmount;
}

/** The account that an order is paid from. */
export const payingAccount = ({ side, userId }: Pick<Order, 'side' | 'userId'>, assets: Assets): AccountKey =>
  userAccount(userId, payingAsset(side, assets));

const payingAsset = (side: Order['side'], assets: Assets): Asset =>
  side === 'buy' ? assets.money : assets.energy;

/** Claims what a new order needs. */
export const reservation = (order: Order, assets: Assets): Transfer =>
  transfer(
    'order.reserved',
    order.id,
    reserve(order.userId, payingAsset(order.side, assets), order.reservedAmount),
  );

/** Settles one fill: both orders advance, energy and money change hands, the fee leaves the seller's proceeds. */
export function settle(
  taker: Order,
  { maker, energy, price, amount }: Fill<RestingOrder>,
  market: MarketTerms,
  assets: Assets,
  moment: Moment,
): { readonly execution: Execution; readonly booking: Transfer } {
  const [buy, sell] = taker.side === 'buy' ? [taker, maker] : [maker, taker];
  const excess = advance(buy, energy, amount, moment);
  advance(sell, energy, amount, moment);
  const execution: Execution = {
    id: newId(),
    market: market.id,
    buyOrderId: buy.id,
    sellOrderId: sell.id,
    buyerId: buy.userId,
    sellerId: sell.userId,
    quantityWh: energy,
    pricePerKwh: price,
    amount,
    fee: feeOf(amount, market.feeBps),
    sequence: moment.sequence,
    executedAt: moment.now,
  };
  return { execution, booking: exchange(execution, excess, assets) };
}

/** Ends an order before it is filled; what was still reserved for it is released. */
export function end(
  order: Order,
  reason: OrderReason,
  assets: Assets,
  { sequence }: Pick<Moment, 'sequence'>,
): Transfer {
  const legs = release(order.userId, payingAsset(order.side, assets), order.reservedAmount);
  order.status = reason === 'expired' ? 'expired' : 'cancelled';
  order.reason = reason;
  order.reservedAmount = 0n;
  order.changedSequence = sequence;
  return transfer('order.released', order.id, legs);
}

/** @returns what the order had reserved beyond the fill and the rest of it */
function advance(order: Order, energy: WattHours, amount: Money, { sequence, now }: Moment): bigint {
  const before = order.reservedAmount - (order.side === 'buy' ? amount : energy);
  order.filledWh = (order.filledWh + energy) as WattHours;
  order.filledAmount = money(order.filledAmount + amount);
  order.reservedAmount = demandOf(order);
  order.changedSequence = sequence;
  const filled = order.filledWh === order.quantityWh;
  order.status = filled ? 'filled' : 'partially_filled';
  order.filledAt = filled ? now : null;
  return before - order.reservedAmount;
}

/** The buyer pays from the reserve and gets back its excess; the seller gets the amount less the fee. */
function exchange(execution: Execution, excess: bigint, { money: currency, energy }: Assets): Transfer {
  const { id, market, buyerId, sellerId, quantityWh, amount, fee } = execution;
  return transfer('trade', id, [
    { account: userAccount(buyerId, currency, 'reserved'), amount: -(amount + excess) },
    { account: userAccount(buyerId, currency), amount: excess },
    { account: userAccount(sellerId, currency), amount: amount - fee },
    { account: platformAccount(`fees:${market}`, currency), amount: fee },
    ...move(userAccount(sellerId, energy, 'reserved'), userAccount(buyerId, energy), quantityWh),
  ]);
}
