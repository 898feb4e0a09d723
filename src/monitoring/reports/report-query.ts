import { z } from 'zod';
import { instant } from '../../common/request-schemas';

const MOST_ROWS = 500;
const ROWS = 50;

const limit = z.coerce.number().int().min(1).max(MOST_ROWS).default(ROWS);

/** How many rows, of reports without a history. */
export const rowsQuery = z.strictObject({ limit });

/** How many rows, and of when. */
export const reportQuery = z
  .strictObject({
    limit,
    from: instant().optional(),
    to: instant().optional(),
  })
  .refine(({ from, to }) => from === undefined || to === undefined || from < to, {
    path: ['from'],
    message: 'must be before to',
  });
