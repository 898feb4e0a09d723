import { price, wattHours } from '../common/units';
import {
  QuantityOutOfRange,
  OfferWindowInvalid,
  OrderExpiryInvalid,
  PriceNotOnTick,
  PriceOutOfRange,
} from './marketplace.errors';
import { checkAmount, checkPrice, offerWindow, orderExpiry } from './marketplace-limits';

const now = new Date('2026-03-01T12:00:00.000Z');
const days = (count: number): Date => new Date(now.getTime() + count * 86_400_000);

describe('limits of the marketplace', () => {
  it('takes 0.001 to 100 000 kWh at once', () => {
    expect(() => checkAmount(wattHours(1n))).not.toThrow();
    expect(() => checkAmount(wattHours(100_000_000n))).not.toThrow();
    expect(() => checkAmount(wattHours(0n))).toThrow(QuantityOutOfRange);
    expect(() => checkAmount(wattHours(100_000_001n))).toThrow(QuantityOutOfRange);
  });

  it('takes prices from 0.01 to 10 000 in ticks of 0.001', () => {
    expect(() => checkPrice(price(10_000n))).not.toThrow();
    expect(() => checkPrice(price(10_000_000_000n))).not.toThrow();
    expect(() => checkPrice(price(9_000n))).toThrow(PriceOutOfRange);
    expect(() => checkPrice(price(10_000_001_000n))).toThrow(PriceOutOfRange);
    expect(() => checkPrice(price(3_000_500n))).toThrow(PriceNotOnTick);
  });

  describe('the window of an offer', () => {
    it('is from now on and for seven days unless said otherwise', () => {
      expect(offerWindow(undefined, undefined, now)).toEqual({ from: now, until: days(7) });
      expect(offerWindow(days(10), undefined, now)).toEqual({ from: days(10), until: days(17) });
      expect(offerWindow(days(-10), undefined, now)).toEqual({ from: days(-10), until: days(7) });
      expect(offerWindow(days(1), days(2), now)).toEqual({ from: days(1), until: days(2) });
    });

    it.each([
      ['ends before it begins', days(2), days(1)],
      ['is empty', days(1), days(1)],
      ['is over already', days(-2), days(-1)],
      ['ends more than 400 days ahead', undefined, days(401)],
      ['begins more than 400 days ago', days(-401), days(1)],
    ])('is refused when it %s', (_case, from, until) => {
      expect(() => offerWindow(from, until, now)).toThrow(OfferWindowInvalid);
    });
  });

  it('lets an order live seven days unless said otherwise, at most 400', () => {
    expect(orderExpiry(undefined, now)).toEqual(days(7));
    expect(orderExpiry(days(400), now)).toEqual(days(400));
    expect(() => orderExpiry(now, now)).toThrow(OrderExpiryInvalid);
    expect(() => orderExpiry(days(401), now)).toThrow(OrderExpiryInvalid);
  });
});
