import { z } from 'zod';
import { instant } from '../../common/request-schemas';

/** As many statements as pg_stat_statements keeps by itself: no list of a database's objects is cut at it. */
export const MOST_ROWS = 5_000;

const DECIMAL = /^-?\d{1,19}$/;

/** pg_stat_statements' identifier: 64 bits with a sign, as a decimal text. */
export const queryId = z
  .string()
  .max(20)
  .refine(
    (text) => DECIMAL.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text),
    'must be a query id as slow-queries shows it: a whole number of 64 bits',
  );

interface Span {
  readonly from?: Date | undefined;
  readonly to?: Date | undefined;
}

const isForward = ({ from, to }: Span): boolean => from === undefined || to === undefined || from < to;
const FORWARD = { path: ['from'], message: 'must be before to' };
const span = { from: instant().optional(), to: instant().optional() };

/** Of when. */
export const spanQuery = z.strictObject(span).refine(isForward, FORWARD);

/** How many rows, and of when; as many rows as the report shows by itself where nobody says. */
export const reportQuery = z
  .strictObject({
    limit: z.coerce.number().int().min(1).max(MOST_ROWS).optional(),
    ...span,
  })
  .refine(isForward, FORWARD);
