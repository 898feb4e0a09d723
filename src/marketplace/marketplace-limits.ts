import { price, wattHours, type Price, type WattHours } from '../common/units';
import {
  QuantityOutOfRange,
  OfferWindowInvalid,
  OrderExpiryInvalid,
  PriceNotOnTick,
  PriceOutOfRange,
} from './marketplace.errors';

const LEAST_AMOUNT = wattHours(1n);
const MOST_AMOUNT = wattHours(100_000_000n);
const LEAST_PRICE = price(10_000n);
/** 10 000 per kWh. */
export const MOST_PRICE = price(10_000_000_000n);
const TICK = price(1_000n);

const DAY_MS = 86_400_000;
const USUAL_LIFE_MS = 7 * DAY_MS;
const FARTHEST_MS = 400 * DAY_MS;

/**
 * One offer, order or purchase holds 0.001 to 100 000 kWh.
 * @throws QuantityOutOfRange
 */
export function checkAmount(energy: WattHours): void {
  if (energy < LEAST_AMOUNT || energy > MOST_AMOUNT)
    throw new QuantityOutOfRange(energy, LEAST_AMOUNT, MOST_AMOUNT);
}

/**
 * Prices run from 0.01 to 10 000 per kWh in ticks of 0.001.
 * @throws PriceOutOfRange, PriceNotOnTick
 */
export function checkPrice(perKwh: Price): void {
  if (perKwh < LEAST_PRICE || perKwh > MOST_PRICE) throw new PriceOutOfRange(perKwh, LEAST_PRICE, MOST_PRICE);
  if (perKwh % TICK !== 0n) throw new PriceNotOnTick(perKwh, TICK);
}

/** When an offer can be bought: in [from, until). */
export interface OfferWindow {
  readonly from: Date;
  readonly until: Date;
}

/**
 * The window of an offer: from now on and for seven days unless said otherwise, at most 400 days ahead.
 * @throws OfferWindowInvalid
 */
export function offerWindow(from: Date | undefined, until: Date | undefined, now: Date): OfferWindow {
  const begin = from ?? now;
  if (begin.getTime() < now.getTime() - FARTHEST_MS) {
    throw new OfferWindowInvalid(
      'availableFrom lies more than 400 days back: leave it out to sell from now on',
    );
  }
  const end = until ?? new Date(Math.max(begin.getTime(), now.getTime()) + USUAL_LIFE_MS);
  if (end <= begin) throw new OfferWindowInvalid('availableUntil must be later than availableFrom');
  if (end <= now) throw new OfferWindowInvalid('availableUntil is over already: nobody could buy this offer');
  if (end.getTime() > now.getTime() + FARTHEST_MS) {
    throw new OfferWindowInvalid('availableUntil must be at most 400 days ahead');
  }
  return { from: begin, until: end };
}

/**
 * When an order ends: after seven days unless said otherwise, at most 400 days ahead.
 * @throws OrderExpiryInvalid
 */
export function orderExpiry(expiresAt: Date | undefined, now: Date): Date {
  const end = expiresAt ?? new Date(now.getTime() + USUAL_LIFE_MS);
  if (end <= now) throw new OrderExpiryInvalid('expiresAt is over already: nothing could be matched');
  if (end.getTime() > now.getTime() + FARTHEST_MS)
    throw new OrderExpiryInvalid('expiresAt must be at most 400 days ahead');
  return end;
}
