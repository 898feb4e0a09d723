import fc from 'fast-check';
import { parseDecimal, price } from '../common/units';
import { askOf, bidOf, planTrading, type MeteredInterval, type TradingDay } from './trading-plan';

const interval = (start: string, generatedWh: number, consumedWh: number): MeteredInterval => ({
  start,
  minutes: 15,
  generatedWh: BigInt(generatedWh),
  consumedWh: BigInt(consumedWh),
});

const wh = (kwh: string): bigint => parseDecimal(kwh, 3) ?? -1n;
const ordersOf = (days: readonly TradingDay[]) =>
  days.flatMap(({ batches }) =>
    batches.flatMap(({ household, orders }) => orders.map((order) => ({ household, ...order }))),
  );

describe('the trading plan', () => {
  it('offers surplus as resting orders and bids for deficits that take what there is', () => {
    const counted = [
      interval('2021-07-01T09:45:00.000Z', 500, 500),
      interval('2021-07-01T10:00:00.000Z', 1500, 250),
      interval('2021-07-01T20:00:00.000Z', 0, 80),
    ];
    expect(ordersOf(planTrading([counted], 'solar', {}))).toEqual([
      {
        household: 0,
        clientOrderId: 'replay-sell-20210701T100000000Z',
        market: 'solar',
        side: 'sell',
        type: 'limit',
        timeInForce: 'gtc',
        quantityKwh: '1.250',
        pricePerKwh: '3.000000',
      },
      {
        household: 0,
        clientOrderId: 'replay-buy-20210701T200000000Z',
        market: 'solar',
        side: 'buy',
        type: 'limit',
        timeInForce: 'ioc',
        quantityKwh: '0.080',
        pricePerKwh: '4.500000',
      },
    ]);
  });

  it('goes day by day, sellers first, households in their order', () => {
    const consumer = [interval('2021-07-02T10:00:00.000Z', 0, 5), interval('2021-07-01T10:00:00.000Z', 0, 5)];
    const prosumer = [interval('2021-07-01T11:00:00.000Z', 9, 5), interval('2021-07-01T12:00:00.000Z', 0, 5)];
    const days = planTrading([consumer, prosumer], 'solar', {});
    expect(days.map(({ day }) => day)).toEqual(['2021-07-01', '2021-07-02']);
    expect(ordersOf(days).map(({ household, side }) => `${household} ${side}s`)).toEqual([
      '1 sells',
      '0 buys',
      '1 buys',
      '0 buys',
    ]);
  });

  it('deposits for a day what its bids can cost at most, each rounded up', () => {
    const counted = [interval('2021-07-01T10:00:00.000Z', 0, 1), interval('2021-07-01T11:00:00.000Z', 0, 2)];
    const [day] = planTrading([counted], 'solar', { bid: price(1_500_001n) });
    expect(day?.deposits).toEqual([{ household: 0, day: '2021-07-01', amount: 1_501n + 3_001n }]);
  });

  it('has a ladder of prices on which every bid meets every ask', () => {
    const ranks = Array.from({ length: 100 }, (_, rank) => rank);
    const asks = ranks.map((rank) => askOf(rank, {}));
    const bids = ranks.map((rank) => bidOf(rank, {}));
    expect(asks.slice(0, 3)).toEqual([3_000_000n, 3_050_000n, 3_100_000n]);
    expect(bids.slice(0, 3)).toEqual([4_500_000n, 4_450_000n, 4_400_000n]);
    expect(bids.every((bid) => asks.every((ask) => bid >= ask))).toBe(true);
  });

  it('never batches more than a thousand orders', () => {
    const minutes = Array.from(
      { length: 1440 },
      (_, minute) => new Date(Date.UTC(2021, 6, 1) + minute * 60_000),
    );
    const [day] = planTrading([minutes.map((at) => interval(at.toISOString(), 0, 1))], 'solar', {});
    expect(day?.batches.map(({ orders }) => orders.length)).toEqual([1000, 440]);
  });

  it('brings every watt-hour to market once, and deposits enough for all bids', () => {
    const counted = fc.array(fc.record({ generated: fc.nat(5000), consumed: fc.nat(5000) }), {
      maxLength: 200,
    });
    fc.assert(
      fc.property(fc.array(counted, { maxLength: 5 }), (neighbourhood) => {
        const intervals = neighbourhood.map((readings) =>
          readings.map(({ generated, consumed }, index) =>
            interval(new Date(Date.UTC(2021, 6, 1) + index * 900_000).toISOString(), generated, consumed),
          ),
        );
        const days = planTrading(intervals, 'solar', {});
        const orders = ordersOf(days);
        for (const [household, readings] of intervals.entries()) {
          const own = orders.filter((order) => order.household === household);
          const net = own.reduce(
            (sum, { side, quantityKwh }) => sum + (side === 'sell' ? wh(quantityKwh) : -wh(quantityKwh)),
            0n,
          );
          expect(net).toBe(
            readings.reduce((sum, { generatedWh, consumedWh }) => sum + generatedWh - consumedWh, 0n),
          );
          expect(new Set(own.map(({ clientOrderId }) => clientOrderId)).size).toBe(own.length);
          const cost = own
            .filter(({ side }) => side === 'buy')
            .reduce(
              (sum, order) => sum + wh(order.quantityKwh) * (parseDecimal(order.pricePerKwh, 6) ?? 0n),
              0n,
            );
          const deposited = days.flatMap(({ deposits }) =>
            deposits.filter((one) => one.household === household),
          );
          expect(deposited.reduce((sum, { amount }) => sum + amount, 0n) * 1000n >= cost).toBe(true);
        }
      }),
      { numRuns: 30 },
    );
  });
});
