import fc from 'fast-check';
import { costOf, type Money, type Price, type WattHours } from '../common/units';
import { affordable, crosses, match, type Maker, type Match, type Taker } from './order-matching';
import type { Side } from './order';

const NOW = new Date('2026-05-01T12:00:00Z');
const LOT = 1n as WattHours;
const wh = (energy: bigint) => energy as WattHours;
const at = (price: bigint) => (price * 1_000_000n) as Price;
const micro = (amount: bigint) => amount as Money;

interface TestMaker extends Maker {
  readonly name: string;
}

const maker = (name: string, price: bigint, energy: bigint, changes: Partial<Maker> = {}): TestMaker => ({
  name,
  userId: `owner of ${name}`,
  pricePerKwh: at(price),
  quantityWh: wh(energy),
  filledWh: wh(0n),
  expiresAt: null,
  ...changes,
});

const taker = (side: Side, energy: bigint, price: bigint | null, changes: Partial<Taker> = {}): Taker => ({
  userId: 'taker',
  side,
  type: price === null ? 'market' : 'limit',
  timeInForce: price === null ? 'ioc' : 'gtc',
  quantityWh: wh(energy),
  pricePerKwh: price === null ? null : at(price),
  maxAmount: null,
  ...changes,
});

const matched = ({ fills, remainder }: Match<TestMaker>) => ({
  fills: fills.map(({ maker: { name }, energy }) => [name, energy]),
  remainder,
});

const meet = (order: Taker, ...makers: TestMaker[]) => matched(match(order, makers, LOT, NOW));

describe('match', () => {
  it('fills the best orders first and rests with what is left', () => {
    const outcome = meet(
      taker('buy', 900n, 5n),
      maker('cheap', 3n, 400n),
      maker('dear', 5n, 200n),
      maker('dearer', 6n, 900n),
    );
    expect(outcome).toEqual({
      fills: [
        ['cheap', 400n],
        ['dear', 200n],
      ],
      remainder: 'rests',
    });
  });

  it('trades at the price of the order that waited', () => {
    const { fills } = match(taker('buy', 1_500n, 9n), [maker('ask', 4n, 2_000n)], LOT, NOW);
    expect(fills).toEqual([expect.objectContaining({ price: at(4n), amount: 6_000_000n, energy: 1_500n })]);
  });

  it('sells to the best bid, down to its limit', () => {
    const outcome = meet(
      taker('sell', 500n, 4n),
      maker('high', 6n, 300n),
      maker('limit', 4n, 100n),
      maker('low', 3n, 900n),
    );
    expect(outcome).toEqual({
      fills: [
        ['high', 300n],
        ['limit', 100n],
      ],
      remainder: 'rests',
    });
  });

  it('takes only what an order has left', () => {
    expect(meet(taker('buy', 500n, 5n), maker('ask', 5n, 500n, { filledWh: wh(450n) }))).toEqual({
      fills: [['ask', 50n]],
      remainder: 'rests',
    });
  });

  it('passes over expired orders, the one that expires this very moment included', () => {
    const outcome = meet(
      taker('buy', 100n, 5n),
      maker('expired', 1n, 100n, { expiresAt: NOW }),
      maker('alive', 2n, 100n, { expiresAt: new Date(NOW.getTime() + 1) }),
    );
    expect(outcome).toEqual({ fills: [['alive', 100n]], remainder: 'none' });
  });

  it('cancels what would cross an order of the same owner, and keeps what came before', () => {
    const outcome = meet(
      taker('buy', 500n, 5n),
      maker('other', 3n, 100n),
      maker('own', 4n, 100n, { userId: 'taker' }),
      maker('beyond', 5n, 100n),
    );
    expect(outcome).toEqual({ fills: [['other', 100n]], remainder: 'self_trade' });
  });

  it('lets an own order that is not crossed be', () => {
    expect(meet(taker('buy', 500n, 5n), maker('own', 6n, 100n, { userId: 'taker' })).remainder).toBe('rests');
  });

  it('cancels the rest of an ioc order', () => {
    expect(meet(taker('buy', 500n, 5n, { timeInForce: 'ioc' }), maker('ask', 5n, 200n))).toEqual({
      fills: [['ask', 200n]],
      remainder: 'no_liquidity',
    });
  });

  it('fills a fok order in full or not at all', () => {
    const order = taker('buy', 500n, 5n, { timeInForce: 'fok' });
    expect(meet(order, maker('ask', 5n, 499n))).toEqual({ fills: [], remainder: 'not_fillable' });
    expect(meet(order, maker('one', 5n, 499n), maker('two', 5n, 10n))).toEqual({
      fills: [
        ['one', 499n],
        ['two', 1n],
      ],
      remainder: 'none',
    });
    expect(meet(order, maker('one', 5n, 499n), maker('own', 5n, 10n, { userId: 'taker' })).remainder).toBe(
      'not_fillable',
    );
  });

  it('lets a market order take every price and never wait', () => {
    expect(meet(taker('sell', 500n, null), maker('high', 9n, 100n), maker('low', 1n, 100n))).toEqual({
      fills: [
        ['high', 100n],
        ['low', 100n],
      ],
      remainder: 'no_liquidity',
    });
    expect(meet(taker('sell', 500n, null))).toEqual({ fills: [], remainder: 'no_liquidity' });
  });

  it('lets a market buy take what its maxAmount pays exactly', () => {
    const order = taker('buy', 5_000n, null, { maxAmount: micro(7_000_000n) });
    expect(meet(order, maker('one', 2n, 2_000n), maker('two', 3n, 9_000n))).toEqual({
      fills: [
        ['one', 2_000n],
        ['two', 1_000n],
      ],
      remainder: 'max_amount_reached',
    });
  });

  it('spends a market buy in whole lots', () => {
    const order = taker('buy', 5_000n, null, { maxAmount: micro(7_000_000n) });
    const { fills } = match(order, [maker('ask', 2n, 9_000n)], wh(1_000n), NOW);
    expect(fills.map(({ energy }) => energy)).toEqual([3_000n]);
  });
});

describe('affordable', () => {
  it('is the most energy whose rounded cost stays within the budget', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 10n ** 15n), fc.bigInt(10_000n, 10n ** 10n), (budget, price) => {
        const energy = affordable(budget, price as Price, LOT);
        expect(costOf(wh(energy), price as Price)).toBeLessThanOrEqual(budget);
        expect(costOf(wh(energy + 1n), price as Price)).toBeGreaterThan(budget);
      }),
    );
  });
});

describe('match, whatever the book', () => {
  const makers = (side: Side) =>
    fc
      .array(
        fc.record({
          owner: fc.constantFrom('taker', 'ann', 'bob', 'cem'),
          price: fc.bigInt(10_000n, 40_000n),
          energy: fc.bigInt(1n, 300n),
          expired: fc.boolean(),
        }),
        { maxLength: 12 },
      )
      .map((orders) =>
        orders
          .map(({ owner, price, energy, expired }, index) => ({
            index,
            ...maker(String(index), 1n, energy, { userId: owner, expiresAt: expired ? NOW : null }),
            pricePerKwh: price as Price,
          }))
          .sort((one, other) => {
            const byPrice = Number(one.pricePerKwh - other.pricePerKwh) * (side === 'buy' ? 1 : -1);
            return byPrice === 0 ? one.index - other.index : byPrice;
          }),
      );

  const scenario = fc.constantFrom<Side>('buy', 'sell').chain((side) =>
    fc.record({
      book: makers(side),
      order: fc
        .record({
          type: fc.constantFrom('limit' as const, 'market' as const),
          timeInForce: fc.constantFrom('gtc' as const, 'ioc' as const, 'fok' as const, 'gtd' as const),
          energy: fc.bigInt(1n, 900n),
          limit: fc.bigInt(10_000n, 40_000n),
          maxAmount: fc.bigInt(1n, 30_000n),
        })
        .map(({ type, timeInForce, energy, limit, maxAmount }): Taker => ({
          userId: 'taker',
          side,
          type,
          timeInForce,
          quantityWh: wh(energy),
          pricePerKwh: type === 'limit' ? (limit as Price) : null,
          maxAmount: type === 'market' && side === 'buy' ? micro(maxAmount) : null,
        })),
    }),
  );

  it('never takes more than the order wants, a maker has or the maximum pays', () => {
    fc.assert(
      fc.property(scenario, ({ book, order }) => {
        const { fills } = match(order, book, LOT, NOW);
        const energy = fills.reduce((sum, fill) => sum + fill.energy, 0n);
        const amount = fills.reduce((sum, fill) => sum + fill.amount, 0n);
        expect(energy).toBeLessThanOrEqual(order.quantityWh);
        expect(fills.every((fill) => fill.energy > 0n && fill.energy <= fill.maker.quantityWh)).toBe(true);
        expect(amount).toBeLessThanOrEqual(order.maxAmount ?? amount);
      }),
    );
  });

  it('never violates priority: all that ranks before a fill is taken in full, expired, or the end of it', () => {
    fc.assert(
      fc.property(scenario, ({ book, order }) => {
        const { fills } = match(order, book, LOT, NOW);
        const alive = book.filter(({ expiresAt }) => expiresAt === null);
        expect(fills.map((fill) => fill.maker)).toEqual(alive.slice(0, fills.length));
        expect(fills.slice(0, -1).every((fill) => fill.energy === fill.maker.quantityWh)).toBe(true);
        expect(
          fills.every((fill) => crosses(order, fill.price) && fill.price === fill.maker.pricePerKwh),
        ).toBe(true);
        expect(fills.every((fill) => fill.maker.userId !== order.userId)).toBe(true);
      }),
    );
  });

  it('never leaves a crossed book: what rests crosses nothing that is alive', () => {
    fc.assert(
      fc.property(scenario, ({ book, order }) => {
        const { fills, remainder } = match(order, book, LOT, NOW);
        const filled = new Map(fills.map((fill) => [fill.maker.index, fill.energy]));
        const left = book.filter((one) => one.expiresAt === null && filled.get(one.index) !== one.quantityWh);
        const restsCrossed = remainder === 'rests' && left.some((one) => crosses(order, one.pricePerKwh));
        expect(restsCrossed).toBe(false);
      }),
    );
  });

  it('is all or nothing for fok, and none waits that may not', () => {
    fc.assert(
      fc.property(scenario, ({ book, order }) => {
        const { fills, remainder } = match(order, book, LOT, NOW);
        const energy = fills.reduce((sum, fill) => sum + fill.energy, 0n);
        const allowed = {
          fok: energy === order.quantityWh || energy === 0n,
          ioc: remainder !== 'rests',
          gtc: remainder !== 'rests' || order.type === 'limit',
          gtd: remainder !== 'rests' || order.type === 'limit',
        };
        expect(allowed[order.timeInForce]).toBe(true);
        expect(remainder === 'none').toBe(energy === order.quantityWh);
      }),
    );
  });
});
