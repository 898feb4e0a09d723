import type { ApiBodyOptions } from '@nestjs/swagger';
import { z } from 'zod';
import {
  booleanQuery,
  energySource,
  instant,
  kwhOrZero,
  pageQuery,
  uuid,
} from '../../common/request-schemas';
import { METER_STATUSES } from '../meter-life-cycle';
import { meterSerial, readingSchema } from '../reading';

const LARGEST_W = 1_000_000_000n;

/** IANA names begin with a letter; an offset such as +02:00 is no time zone. */
const timeZone = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_+/-]{1,63}$/, 'must be an IANA name such as Europe/Berlin')
  .refine(isTimeZone, 'is not a time zone: use an IANA name such as Europe/Berlin');

export const registerMeterBody = z.strictObject({
  serial: meterSerial(),
  zone: z
    .string()
    .trim()
    .regex(
      /^[\p{L}\p{N}][\p{L}\p{N} ._:/-]{0,63}$/u,
      'must be 1 to 64 letters, digits, spaces or any of . _ : / -',
    ),
  energySource: energySource(),
  capacityKw: kwhOrZero().refine((watts) => watts <= LARGEST_W, 'must be at most 1000000.000'),
  timeZone: timeZone.default('UTC'),
  ownerId: uuid().optional(),
});

export const metersQuery = z.strictObject({
  ...pageQuery,
  userId: uuid().optional(),
  status: z.enum(METER_STATUSES).optional(),
});

export const readingsQuery = z.strictObject({
  ...pageQuery,
  meterId: uuid().optional(),
  userId: uuid().optional(),
  from: instant().optional(),
  to: instant().optional(),
  minted: booleanQuery().optional(),
});

export const statsQuery = z.strictObject({ userId: uuid().optional() });

/** No body at all mints what is the caller's. */
export const mintBody = z
  .strictObject({ meterId: uuid().optional(), all: z.boolean().optional() })
  .refine(({ meterId, all }) => meterId === undefined || all !== true, {
    path: ['all'],
    message: 'leave it out when you name a meter',
  });

export const meterId = z.strictObject({ id: uuid() });

function isTimeZone(name: string): boolean {
  try {
    return Boolean(new Intl.DateTimeFormat('en', { timeZone: name }));
  } catch {
    return false;
  }
}

const { $schema: _, ...reading } = z.toJSONSchema(readingSchema, { io: 'input', unrepresentable: 'any' });
type BodySchema = NonNullable<Extract<ApiBodyOptions, { schema: object }>['schema']>;

/** What a client may send: one reading or many in JSON; lines of NDJSON and CSV are text for OpenAPI. */
export const readingsBodySchema = {
  anyOf: [reading, { type: 'array', items: reading }, { type: 'string' }],
} as BodySchema;
