import type { DomainError } from '../common/domain-error';
import type { Money, Price, WattHours } from '../common/units';
import type { MarketTerms } from './market-terms';
import { hasExpired, type OrderRequest } from './order';
import {
  AmountOutOfRange,
  ExpiryNotInFuture,
  MarketHalted,
  MechanismNotAvailable,
  PriceNotOnTick,
  PriceOutOfRange,
  QuantityNotInLots,
  QuantityOutOfRange,
} from './trading.errors';

/** 0.001 to 100 000 kWh. */
export const LEAST_QUANTITY = 1n as WattHours;
export const MOST_QUANTITY = 100_000_000n as WattHours;
/** 0.01 to 10 000 per kWh. */
export const LEAST_PRICE = 10_000n as Price;
export const MOST_PRICE = 10_000_000_000n as Price;
/** The largest quantity at the highest price. */
export const MOST_AMOUNT = 1_000_000_000_000_000n as Money;

/** The rule of the market that an order breaks, if any: whether it trades, then size, price and time. */
export function brokenRule(order: OrderRequest, market: MarketTerms, now: Date): DomainError | undefined {
  return (
    brokenByMarket(market) ??
    brokenByQuantity(order, market) ??
    brokenByPrice(order, market) ??
    (hasExpired(order, now) ? new ExpiryNotInFuture(order.expiresAt as Date) : undefined)
  );
}

function brokenByMarket({ id, status, mechanism }: MarketTerms): DomainError | undefined {
  if (status === 'halted') return new MarketHalted(id);
  if (mechanism === 'auction') return new MechanismNotAvailable(id);
  return undefined;
}

function brokenByQuantity({ quantityWh }: OrderRequest, { id, lotWh }: MarketTerms): DomainError | undefined {
  if (quantityWh < LEAST_QUANTITY || quantityWh > MOST_QUANTITY) {
    return new QuantityOutOfRange(LEAST_QUANTITY, MOST_QUANTITY);
  }
  return quantityWh % lotWh === 0n ? undefined : new QuantityNotInLots(id, lotWh);
}

function brokenByPrice(
  { pricePerKwh, maxAmount }: OrderRequest,
  { id, tick }: MarketTerms,
): DomainError | undefined {
  if (maxAmount !== null && maxAmount > MOST_AMOUNT) return new AmountOutOfRange(MOST_AMOUNT);
  if (pricePerKwh === null) return undefined;
  if (pricePerKwh < LEAST_PRICE || pricePerKwh > MOST_PRICE)
    return new PriceOutOfRange(LEAST_PRICE, MOST_PRICE);
  return pricePerKwh % tick === 0n ? undefined : new PriceNotOnTick(id, tick);
}
