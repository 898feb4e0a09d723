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
 * What orders, fills and endings mean for the books. An order that arrives must be covered in full, pays its
 * fills from what its owner has available, and reserves for the rest when it begins to wait. From then on its
 * reserve is exactly what its rest demands: a sell its energy, a buy its cost at the limit rounded up.
 * Whatever a fill or an ending makes needless is released with it, to the last micro-unit.
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

/** What the rest of an order can cost at most: money of a buy (at its limit, or up to its maxAmount), Wh of a sell. */
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

/** Lets an order wait: what the rest of it demands is reserved. */
export function rest(order: Order, assets: Assets): Transfer {
  order.reservedAmount = demandOf(order);
  const legs = reserve(order.userId, payingAsset(order.side, assets), order.reservedAmount);
  return transfer('order.reserved', order.id, legs);
}

/** Settles one fill: both orders advance, energy and money change hands, the fee leaves the seller's proceeds. */
export function settle(
  taker: Order,
  { maker, energy, price, amount }: Fill<RestingOrder>,
  market: MarketTerms,
  assets: Assets,
  moment: Moment,
): { readonly execution: Execution; readonly booking: Transfer } {
  advance(taker, energy, amount, moment);
  advance(maker, energy, amount, moment);
  const [buy, sell] = taker.side === 'buy' ? [taker, maker] : [maker, taker];
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
  return { execution, booking: exchange(execution, maker, assets) };
}

/** Ends an order before it is filled; what was still reserved for it is released (nothing, if it never waited). */
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

function advance(order: Order, energy: WattHours, amount: Money, { sequence, now }: Moment): void {
  order.filledWh = (order.filledWh + energy) as WattHours;
  order.filledAmount = money(order.filledAmount + amount);
  order.changedSequence = sequence;
  const filled = order.filledWh === order.quantityWh;
  order.status = filled ? 'filled' : 'partially_filled';
  order.filledAt = filled ? now : null;
}

/**
 * The maker pays from its reserve, the taker from what it has available; the seller gets the amount less the
 * fee. What a buy had reserved beyond this fill and the rest of it, a rounding, goes back to the buyer.
 */
function exchange(execution: Execution, maker: RestingOrder, { money: currency, energy }: Assets): Transfer {
  const { id, market, buyerId, sellerId, quantityWh, amount, fee } = execution;
  const buyerWaited = maker.side === 'buy';
  const excess = draw(maker, buyerWaited ? amount : quantityWh);
  const purse = userAccount(buyerId, currency, buyerWaited ? 'reserved' : 'available');
  const store = userAccount(sellerId, energy, buyerWaited ? 'available' : 'reserved');
  return transfer('trade', id, [
    { account: purse, amount: -(amount + excess) },
    { account: userAccount(buyerId, currency), amount: excess },
    { account: userAccount(sellerId, currency), amount: amount - fee },
    { account: platformAccount(`fees:${market}`, currency), amount: fee },
    ...move(store, userAccount(buyerId, energy), quantityWh),
  ]);
}

/** Takes from a reserve what a fill cost. @returns what it held beyond that and the rest's demand */
function draw(maker: RestingOrder, spent: bigint): bigint {
  const left = maker.reservedAmount - spent;
  maker.reservedAmount = demandOf(maker);
  return left - maker.reservedAmount;
}
