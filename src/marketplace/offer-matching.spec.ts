import fc from 'fast-check';
import { costOf, money, price, reserveFor, wattHours } from '../common/units';
import { afterFill, fills, type Ask } from './offer-matching';

const energy = (most: bigint) => fc.bigInt({ min: 1n, max: most }).map(wattHours);
const ask = fc.record({
  id: fc.uuid({ version: 7 }),
  price: fc.bigInt({ min: 10_000n, max: 10_000_000_000n }).map(price),
  left: energy(100_000_000n),
});
const cheapestFirst = fc
  .array(ask, { maxLength: 40 })
  .map((asks) =>
    asks.toSorted((a, b) => (a.price === b.price ? (a.id < b.id ? -1 : 1) : a.price < b.price ? -1 : 1)),
  );
const sum = (amounts: readonly bigint[]): bigint => amounts.reduce((total, amount) => total + amount, 0n);
const lesser = (a: bigint, b: bigint): bigint => (a < b ? a : b);

describe('filling an order', () => {
  const offered = (id: string, perKwh: bigint, left: bigint): Ask => ({
    id,
    price: price(perKwh),
    left: wattHours(left),
  });

  it('takes the cheapest first and of the last only what is missing', () => {
    const asks = [
      offered('a', 3_000_000n, 500n),
      offered('b', 4_000_000n, 700n),
      offered('c', 5_000_000n, 900n),
    ];
    const taken = [...fills(wattHours(800n), asks)].map((fill) => [fill.ask.id, fill.energy]);
    expect(taken).toEqual([
      ['a', 500n],
      ['b', 300n],
    ]);
  });

  it('asks for no further offer once nothing is missing', () => {
    let asked = 0;
    function* market(): Generator<Ask> {
      for (;;) yield offered(`offer ${++asked}`, 1_000_000n, 100n);
    }
    expect([...fills(wattHours(250n), market())]).toHaveLength(3);
    expect(asked).toBeLessThanOrEqual(4);
  });

  it('takes nothing from an empty market', () => {
    expect([...fills(wattHours(1n), [])]).toEqual([]);
  });

  it('takes all it can and never more than is wanted or offered', () => {
    fc.assert(
      fc.property(energy(1_000_000_000n), cheapestFirst, (wanted, asks) => {
        const taken = [...fills(wanted, asks)];
        expect(sum(taken.map((fill) => fill.energy))).toBe(lesser(wanted, sum(asks.map(({ left }) => left))));
        for (const fill of taken) expect(fill.energy > 0n && fill.energy <= fill.ask.left).toBe(true);
      }),
    );
  });

  it('skips no cheaper offer, and leaves something of the last one only', () => {
    fc.assert(
      fc.property(energy(1_000_000_000n), cheapestFirst, (wanted, asks) => {
        const taken = [...fills(wanted, asks)];
        expect(taken.map((fill) => fill.ask)).toEqual(asks.slice(0, taken.length));
        for (const fill of taken.slice(0, -1)) expect(fill.energy).toBe(fill.ask.left);
      }),
    );
  });
});

describe('what an order has reserved', () => {
  it('covers every fill and the rest, to the last micro-unit', () => {
    const order = fc.record({
      wanted: energy(100_000_000n),
      maxPrice: fc.bigInt({ min: 10_000n, max: 10_000_000_000n }).map(price),
      parts: fc.array(
        fc.record({ share: fc.bigInt({ min: 1n, max: 100n }), below: fc.bigInt({ min: 0n, max: 100n }) }),
        {
          minLength: 1,
          maxLength: 20,
        },
      ),
    });
    fc.assert(
      fc.property(order, ({ wanted, maxPrice, parts }) => {
        const atFirst = reserveFor(wanted, maxPrice);
        let state = { missing: wanted, maxPrice, reserved: atFirst };
        let paid = 0n;
        let givenBack = 0n;
        for (const { share, below } of parts) {
          const taken = wattHours((state.missing * share + 99n) / 100n);
          if (taken === 0n) break;
          const at = price(maxPrice - ((maxPrice - 1n) * below) / 100n);
          const next = afterFill(state, taken, at);
          paid += costOf(taken, at);
          givenBack += next.givenBack;
          state = next;
          expect(next.givenBack >= 0n).toBe(true);
          expect(next.reserved).toBe(reserveFor(next.missing, maxPrice));
          expect(paid + givenBack + next.reserved).toBe(atFirst);
        }
      }),
    );
  });

  it('gives everything that is left back with the last fill', () => {
    const state = { missing: wattHours(1_500n), maxPrice: price(4_000_001n), reserved: money(6_000_002n) };
    expect(afterFill(state, wattHours(1_500n), price(3_000_000n))).toEqual({
      missing: 0n,
      maxPrice: 4_000_001n,
      reserved: 0n,
      givenBack: 1_500_002n,
    });
  });

  it('refuses a fill above its limit', () => {
    const state = { missing: wattHours(1_000n), maxPrice: price(1_000_000n), reserved: money(1_000_000n) };
    expect(() => afterFill(state, wattHours(1_000n), price(1_000_001n))).toThrow(RangeError);
  });
});
