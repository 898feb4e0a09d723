import { z } from 'zod';
import { instant } from '../common/request-schemas';

/** Lengths of an interval in minutes that a meter may count in. */
export const INTERVAL_MINUTES: readonly number[] = [5, 10, 15, 30, 60];

export const READING_QUALITIES = ['actual', 'estimated', 'substituted'] as const;

/** `actual`: measured. `estimated`: reckoned before a measurement came. `substituted`: in place of a bad one. */
export type ReadingQuality = (typeof READING_QUALITIES)[number];

/** What somebody says a meter counted in one interval; well formed, not yet held against any rule. */
export interface Reading {
  readonly meterSerial: string;
  /** Start of the half-open interval. */
  readonly intervalStart: Date;
  readonly intervalMinutes: number;
  /** Wh. */
  readonly generatedWh: bigint;
  /** Wh. */
  readonly consumedWh: bigint;
  readonly quality: ReadingQuality;
}

/** Why a reading is not taken; the codes are part of the API. */
export type RefusalCode =
  | 'MALFORMED_LINE'
  | 'UNKNOWN_METER'
  | 'METER_SUSPENDED'
  | 'METER_RETIRED'
  | 'UNSUPPORTED_INTERVAL'
  | 'INTERVAL_LENGTH_CHANGED'
  | 'MISALIGNED'
  | 'NEGATIVE_ENERGY'
  | 'ENERGY_TOO_LARGE'
  | 'ABOVE_CAPACITY'
  | 'IN_FUTURE'
  | 'TOO_OLD'
  | 'ALREADY_MINTED'
  | 'ALREADY_CERTIFIED';

/** A reading that is not taken, with a sentence for people. */
export class Refusal {
  constructor(
    readonly code: RefusalCode,
    readonly detail: string,
  ) {}
}

/** What one line (or one element of a JSON array) turned out to be; lines count from 1. */
export interface Entry {
  readonly line: number;
  readonly content: Reading | Refusal;
}

/** The columns of a reading in CSV, all as text. */
export interface ReadingText {
  readonly meter_serial: string;
  readonly interval_start: string;
  readonly interval_minutes: string;
  readonly generated_wh: string;
  readonly consumed_wh: string;
  readonly quality?: string | undefined;
}

/** What stands on a meter: printable, without anything that a CSV file would have to quote. */
export const meterSerial = () =>
  z
    .string()
    .trim()
    .regex(
      /^[A-Za-z0-9](?:[A-Za-z0-9 ._:/-]{0,62}[A-Za-z0-9])?$/,
      'must be 1 to 64 letters, digits, spaces or any of . _ : / -, the first and the last a letter or digit',
    );

const WHOLE = /^-?\d{1,30}$/;

const wholeText = z
  .string()
  .regex(WHOLE, 'must be a whole number of watt-hours')
  .transform((text) => BigInt(text));
const minutesText = z
  .string()
  .regex(/^\d{1,4}$/, 'must be a whole number of minutes')
  .transform(Number);
const wholeNumber = z.int('must be a whole number of watt-hours').transform((value) => BigInt(value));
const quality = z.enum(READING_QUALITIES);

const textSchema = z.object({
  meter_serial: meterSerial(),
  interval_start: instant(),
  interval_minutes: minutesText,
  generated_wh: wholeText,
  consumed_wh: wholeText,
  quality: z
    .literal('')
    .transform(() => undefined)
    .or(quality.optional()),
});

/** A reading in JSON, as the API takes it. */
export const readingSchema = z.strictObject({
  meterSerial: meterSerial(),
  intervalStart: instant(),
  intervalMinutes: z.int('must be a whole number of minutes'),
  generatedWh: wholeNumber,
  consumedWh: wholeNumber,
  quality: quality.default('actual'),
});

/** Reads one reading out of JSON. */
export function readingFromJson(value: unknown): Reading | Refusal {
  const parsed = readingSchema.safeParse(value);
  return parsed.success ? parsed.data : malformed(parsed.error);
}

/** Reads one reading out of the columns of a CSV line. */
export function readingFromText(text: ReadingText): Reading | Refusal {
  const parsed = textSchema.safeParse(text);
  if (!parsed.success) return malformed(parsed.error);
  const { data } = parsed;
  return {
    meterSerial: data.meter_serial,
    intervalStart: data.interval_start,
    intervalMinutes: data.interval_minutes,
    generatedWh: data.generated_wh,
    consumedWh: data.consumed_wh,
    quality: data.quality ?? 'actual',
  };
}

function malformed({ issues }: z.ZodError): Refusal {
  const sentences = issues.map(({ path, message }) => [path.join('.'), message].filter(Boolean).join(' '));
  return new Refusal('MALFORMED_LINE', sentences.join('; ').slice(0, 300));
}
