import { z } from 'zod';
import { uuid } from '../../common/request-schemas';

/** Of PostgreSQL: what is longer names nothing. */
const LONGEST_NAME = 63;
const MOST_PARAMETERS = 200;
const LONGEST_TEXT = 10_000;

const value = z.union([z.string().max(LONGEST_TEXT), z.number(), z.boolean(), z.null()]);

/** A name is looked up in PostgreSQL's catalogue; nothing of it reaches a statement. */
export const objectName = z.string().min(1).max(LONGEST_NAME);
export const backendPid = z.coerce.number().int().min(1).max(2_147_483_647);
export const actionId = uuid();
/** A signed number of 64 bits. */
export const queryId = z
  .string()
  .regex(/^-?\d{1,19}$/, { error: 'must be a number, as the report slow-queries shows it', abort: true })
  .refine((text) => BigInt.asIntN(64, BigInt(text)) === BigInt(text), 'must be a number of 64 bits');

/** What stands for $1, $2 … of a recorded statement, in their order. */
export const explainRequest = z.strictObject({
  analyze: z.boolean().default(false),
  parameters: z
    .array(z.union([value, z.array(value).max(LONGEST_TEXT)]))
    .max(MOST_PARAMETERS)
    .optional(),
});
