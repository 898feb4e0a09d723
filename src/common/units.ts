/**
 * The units that money and energy are counted in. All are integers; no float ever touches them.
 * In JSON they travel as decimal strings: energy in kWh with 3 decimals, money and prices with 6.
 */

/** Energy in whole watt-hours. */
export type WattHours = bigint & { readonly unit: 'Wh' };

/** Money in micro-units (10^-6) of the settlement currency. */
export type Money = bigint & { readonly unit: 'micro' };

/** Price in micro-units of the settlement currency per kWh. */
export type Price = bigint & { readonly unit: 'micro/kWh' };

const WH_PER_KWH = 1000n;
const BPS = 10_000n;

/** @throws RangeError when negative: energy that flows the other way has another name. */
export function wattHours(value: bigint): WattHours {
  if (value < 0n) throw new RangeError(`energy cannot be negative: ${value} Wh`);
  return value as WattHours;
}

/** @throws RangeError when negative. */
export function money(micro: bigint): Money {
  if (micro < 0n) throw new RangeError(`an amount of money cannot be negative: ${micro} micro-units`);
  return micro as Money;
}

/** @throws RangeError unless positive: nothing is traded for nothing. */
export function price(microPerKwh: bigint): Price {
  if (microPerKwh <= 0n) throw new RangeError(`a price must be positive: ${microPerKwh} micro-units per kWh`);
  return microPerKwh as Price;
}

/** What a fill costs: wh × price / 1000, rounded down, once per fill. */
export function costOf(energy: WattHours, at: Price): Money {
  return ((energy * at) / WH_PER_KWH) as Money;
}

/** What a buyer reserves for energy at a limit price: as costOf, rounded up, so that it always suffices. */
export function reserveFor(energy: WattHours, limit: Price): Money {
  return ((energy * limit + WH_PER_KWH - 1n) / WH_PER_KWH) as Money;
}

/** A fee in basis points (1/10 000) of an amount, rounded down. */
export function feeOf(amount: Money, bps: number): Money {
  return ((amount * BigInt(bps)) / BPS) as Money;
}

/**
 * Parses a decimal string into an integer of 10^-decimals.
 * @returns undefined when the text is not a plain decimal number or has more digits than the unit can hold.
 */
export function parseDecimal(text: string, decimals: number): bigint | undefined {
  const match = /^(-?)(\d{1,15})(?:\.(\d+))?$/.exec(text);
  if (!match) return undefined;
  const [, sign, whole, fraction = ''] = match;
  if (fraction.length > decimals) return undefined;
  const value = BigInt(`${whole}${fraction.padEnd(decimals, '0')}`);
  return sign === '-' ? -value : value;
}

/** Formats an integer of 10^-decimals as a decimal string with exactly that many decimals. */
export function formatDecimal(value: bigint, decimals: number): string {
  const sign = value < 0n ? '-' : '';
  const digits = (value < 0n ? -value : value).toString().padStart(decimals + 1, '0');
  return `${sign}${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
}

/** 12 500 Wh → "12.500" (kWh); also for W → kW. */
export const formatKwh = (energy: bigint): string => formatDecimal(energy, 3);

/** 4 250 000 micro-units → "4.250000"; also for prices per kWh. */
export const formatMoney = (micro: bigint): string => formatDecimal(micro, 6);
