import { z } from 'zod';
import { instant } from '../../common/request-schemas';

const MOST_ROWS = 500;
const ROWS = 50;

/** How many rows, and of when. */
export const reportQuery = z
  .strictObject({
    limit: z.coerce.number().int().min(1).max(MOST_ROWS).default(ROWS),
    from: instant().optional(),
    to: instant().optional(),
  })
  .refine(({ from, to }) => from === undefined || to === undefined || from < to, {
    path: ['from'],
    message: 'must be before to',
  });
