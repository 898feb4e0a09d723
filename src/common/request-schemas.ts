import { z } from 'zod';
import { formatDecimal, parseDecimal, type Money, type Price, type WattHours } from './units';

/**
 * Building blocks of request schemas: every input is bounded, and leaves as the type that the domain works with.
 */

const decimalText = z.string().max(24);

interface Bounds {
  readonly least: bigint;
  readonly most: bigint;
}

function decimal<Unit extends bigint>(decimals: number, example: string, { least, most }: Bounds) {
  const range = `from ${formatDecimal(least, decimals)} to ${formatDecimal(most, decimals)}`;
  return decimalText
    .transform((text, context): Unit => {
      const value = parseDecimal(text, decimals);
      if (value === undefined || value < least || value > most) {
        context.addIssue({
          code: 'custom',
          message: `must be a decimal string with at most ${decimals} decimals, such as "${example}", ${range}`,
        });
        return z.NEVER;
      }
      return value as Unit;
    })
    .meta({ example });
}

/** Any 15 digits before the point; the market's own limits are narrower, and refused by its own codes. */
const MOST_WH = 10n ** 18n;
const MOST_PRICE = 10n ** 21n;
/** What is booked as it is given must leave a bigint column room for sums: 10^10 of the settlement currency. */
const MOST_AMOUNT = 10n ** 16n;

/** Energy of more than zero as a string of kWh with at most 3 decimals. */
export const kwh = () => decimal<WattHours>(3, '12.500', { least: 1n, most: MOST_WH });
/** Energy or power of zero or more, as kwh(). */
export const kwhOrZero = () => decimal<WattHours>(3, '0.000', { least: 0n, most: MOST_WH });
/** Money of more than zero as a string with at most 6 decimals. */
export const amount = () => decimal<Money>(6, '4.250000', { least: 1n, most: MOST_AMOUNT });
/** Price per kWh, above zero, as a string with at most 6 decimals. */
export const pricePerKwh = () => decimal<Price>(6, '4.250000', { least: 1n, most: MOST_PRICE });
/** Price per kWh of zero or more, for the bounds of a search. */
export const priceOrZero = () => decimal<Price>(6, '0.000000', { least: 0n, most: MOST_PRICE });

/** An instant as ISO 8601 with an offset or Z. What is none ends the check: rules across fields see dates only. */
export const instant = () =>
  z.iso
    .datetime({
      offset: true,
      abort: true,
      message: 'must be an ISO 8601 time with an offset, such as 2026-01-31T12:00:00Z',
    })
    .transform((text) => new Date(text));

/** A reference of somebody's own books: printable, 1 to 120 characters. */
export const reference = () =>
  z
    .string()
    .trim()
    .regex(/^[\x20-\x7e]{1,120}$/, 'must be 1 to 120 printable ASCII characters');

/** A key of ours in lower case, as the database tells it: two ways to write a key must not be two keys. */
export const uuid = () => z.guid('must be a UUID').toLowerCase();

/** A field that may be left out, or be null as our own answers say it. */
export const orNone = <Schema extends z.ZodType>(schema: Schema) =>
  schema.nullish().transform((value) => value ?? undefined);

/** The query of every list. */
export const pageQuery = {
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.string().max(400).optional(),
};

export const booleanQuery = () => z.enum(['true', 'false']).transform((text) => text === 'true');

export const ENERGY_SOURCES = ['solar', 'wind', 'hydro', 'biomass', 'geothermal', 'mixed'] as const;
export type EnergySource = (typeof ENERGY_SOURCES)[number];
export const energySource = () => z.enum(ENERGY_SOURCES);
