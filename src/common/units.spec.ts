import fc from 'fast-check';
import {
  costOf,
  feeOf,
  formatKwh,
  formatMoney,
  money,
  parseDecimal,
  price,
  reserveFor,
  wattHours,
} from './units';

const energies = fc.bigInt({ min: 1n, max: 100_000_000n }).map(wattHours);
const prices = fc.bigInt({ min: 10_000n, max: 10_000_000_000n }).map(price);

describe('units of money and energy', () => {
  it('parses and formats without losing a digit', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n }), (value) => {
        expect(parseDecimal(formatMoney(value), 6)).toBe(value);
        expect(parseDecimal(formatKwh(value), 3)).toBe(value);
      }),
    );
  });

  it.each([
    ['12.5', 3, 12_500n],
    ['0.001', 3, 1n],
    ['-0.5', 3, -500n],
    ['7', 6, 7_000_000n],
  ])('reads %s', (text, decimals, expected) => {
    expect(parseDecimal(text, decimals)).toBe(expected);
  });

  it.each(['', '.5', '5.', '1e3', '+1', ' 1', '0x10', '1.2345', 'NaN', '1,5', '9'.repeat(16)])(
    'refuses %p',
    (text) => {
      expect(parseDecimal(text, 3)).toBeUndefined();
    },
  );

  it('never lets the fills of an order cost more than was reserved for it', () => {
    fc.assert(
      fc.property(fc.array(energies, { minLength: 1, maxLength: 20 }), prices, (fills, limit) => {
        const whole = wattHours(fills.reduce<bigint>((sum, energy) => sum + energy, 0n));
        const spent = fills.reduce((sum, energy) => sum + costOf(energy, limit), 0n);
        expect(spent).toBeLessThanOrEqual(reserveFor(whole, limit));
      }),
    );
  });

  it('rounds costs and fees down', () => {
    expect(costOf(wattHours(1n), price(4_250_001n))).toBe(4_250n);
    expect(reserveFor(wattHours(1n), price(4_250_001n))).toBe(4_251n);
    expect(feeOf(money(199n), 100)).toBe(1n);
  });

  it('refuses what cannot be', () => {
    expect(() => wattHours(-1n)).toThrow('energy cannot be negative: -1 Wh');
    expect(() => money(-1n)).toThrow('cannot be negative');
    expect(() => price(0n)).toThrow('must be positive');
  });
});
