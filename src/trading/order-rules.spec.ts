import type { Money, Price, WattHours } from '../common/units';
import type { MarketTerms } from './market-terms';
import type { OrderRequest } from './order';
import { brokenRule, MOST_AMOUNT, MOST_PRICE, MOST_QUANTITY } from './order-rules';

const NOW = new Date('2026-05-01T12:00:00Z');
const market: MarketTerms = {
  id: 'solar',
  mechanism: 'continuous',
  energySource: 'solar',
  tick: 1_000n as Price,
  lotWh: 10n as WattHours,
  feeBps: 100,
  status: 'open',
};
const order: OrderRequest = {
  market: 'solar',
  side: 'sell',
  type: 'limit',
  timeInForce: 'gtc',
  quantityWh: 1_000n as WattHours,
  pricePerKwh: 4_000_000n as Price,
  maxAmount: null,
  expiresAt: null,
  clientOrderId: null,
};

describe('brokenRule', () => {
  it.each<[string, Partial<OrderRequest>]>([
    ['an ordinary order', {}],
    ['the largest quantity', { quantityWh: MOST_QUANTITY }],
    ['the highest price', { pricePerKwh: MOST_PRICE }],
    ['the lowest price', { pricePerKwh: 10_000n as Price }],
    ['a market order', { type: 'market', pricePerKwh: null }],
    ['the largest maximum', { type: 'market', side: 'buy', pricePerKwh: null, maxAmount: MOST_AMOUNT }],
    ['an expiry that is to come', { expiresAt: new Date(NOW.getTime() + 1) }],
  ])('lets %s pass', (_, changes) => {
    expect(brokenRule({ ...order, ...changes }, market, NOW)).toBeUndefined();
  });

  it.each<[string, Partial<OrderRequest>]>([
    ['QUANTITY_OUT_OF_RANGE', { quantityWh: (MOST_QUANTITY + 1n) as WattHours }],
    ['QUANTITY_OUT_OF_RANGE', { quantityWh: 0n as WattHours }],
    ['QUANTITY_NOT_IN_LOTS', { quantityWh: 1_001n as WattHours }],
    ['PRICE_OUT_OF_RANGE', { pricePerKwh: (MOST_PRICE + 1_000n) as Price }],
    ['PRICE_OUT_OF_RANGE', { pricePerKwh: 9_000n as Price }],
    ['PRICE_NOT_ON_TICK', { pricePerKwh: 4_000_001n as Price }],
    ['AMOUNT_OUT_OF_RANGE', { pricePerKwh: null, maxAmount: (MOST_AMOUNT + 1n) as Money }],
    ['EXPIRY_NOT_IN_FUTURE', { timeInForce: 'gtd', expiresAt: NOW }],
  ])('refuses with %s', (code, changes) => {
    expect(brokenRule({ ...order, ...changes }, market, NOW)?.code).toBe(code);
  });

  it('refuses everything on a market that is halted or trades by auction', () => {
    expect(brokenRule(order, { ...market, status: 'halted' }, NOW)?.code).toBe('MARKET_HALTED');
    expect(brokenRule(order, { ...market, mechanism: 'auction' }, NOW)?.code).toBe('MECHANISM_NOT_AVAILABLE');
  });
});
