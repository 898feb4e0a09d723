import { z } from 'zod';
import { parseDecimal } from '../common/units';

/** Building blocks of what the API answers. */

/** A decimal string of the API as an integer of 10^-decimals. */
export const decimal = (decimals: number) =>
  z.string().transform((text, context): bigint => {
    const value = parseDecimal(text, decimals);
    if (value !== undefined) return value;
    context.addIssue({
      code: 'custom',
      message: `must be a decimal string with at most ${decimals} decimals`,
    });
    return z.NEVER;
  });

/** One page of a list. */
export const pageOf = <Item extends z.ZodType>(item: Item) =>
  z.object({ items: z.array(item), nextCursor: z.string().nullable() });
