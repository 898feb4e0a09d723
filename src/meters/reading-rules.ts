import type { MeterStatus } from './meter-life-cycle';
import { INTERVAL_MINUTES, Refusal, type Reading } from './reading';

/** What the rules know of a meter. */
export interface MeterFacts {
  readonly id: string;
  readonly ownerId: string;
  readonly status: MeterStatus;
  /** W. */
  readonly capacityW: bigint;
  /** Null before the first reading. */
  readonly intervalMinutes: number | null;
}

/** The circumstances of an upload. */
export interface Circumstances {
  readonly now: Date;
  /** Operators and admins load readings of any age that the market knows. */
  readonly mayLoadHistory: boolean;
}

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

const MOST_WH = 100_000n;
const FUTURE_TOLERANCE = 5 * MINUTE;
const OLDEST_OF_OWNERS = 400 * DAY;
/** No smart meter counted before; it bounds how many monthly partitions anybody can ask for. */
const OLDEST = Date.UTC(2000, 0, 1);

/**
 * Holds a reading against the rules that need no meter. Alignment comes last: of a reading from the future it
 * matters more that it is from the future.
 * @returns undefined when it keeps them
 */
export function refusalOf(reading: Reading, circumstances: Circumstances): Refusal | undefined {
  return (
    lengthRefusal(reading) ??
    energyRefusal(reading) ??
    ageRefusal(reading, circumstances) ??
    alignmentRefusal(reading)
  );
}

function lengthRefusal({ intervalMinutes: minutes }: Reading): Refusal | undefined {
  if (INTERVAL_MINUTES.includes(minutes)) return undefined;
  return new Refusal(
    'UNSUPPORTED_INTERVAL',
    `An interval has ${INTERVAL_MINUTES.join(', ')} minutes, not ${minutes}`,
  );
}

function alignmentRefusal({ intervalStart, intervalMinutes: minutes }: Reading): Refusal | undefined {
  if (intervalStart.getTime() % (minutes * MINUTE) === 0) return undefined;
  return new Refusal(
    'MISALIGNED',
    `An interval of ${minutes} minutes does not start at ${intervalStart.toISOString()}`,
  );
}

function energyRefusal({ generatedWh, consumedWh }: Reading): Refusal | undefined {
  if (generatedWh < 0n || consumedWh < 0n) {
    return new Refusal('NEGATIVE_ENERGY', 'Generated and consumed energy cannot be negative');
  }
  if (generatedWh <= MOST_WH && consumedWh <= MOST_WH) return undefined;
  return new Refusal('ENERGY_TOO_LARGE', `A meter counts at most ${MOST_WH} Wh in one interval`);
}

/** An interval that is not over yet has no reading, but for clocks that go a little wrong. */
function ageRefusal(
  { intervalStart, intervalMinutes }: Reading,
  { now, mayLoadHistory }: Circumstances,
): Refusal | undefined {
  const start = intervalStart.getTime();
  if (start + intervalMinutes * MINUTE > now.getTime() + FUTURE_TOLERANCE) {
    return new Refusal('IN_FUTURE', `The interval from ${intervalStart.toISOString()} is not over yet`);
  }
  if (start < OLDEST) return new Refusal('TOO_OLD', 'Readings before the year 2000 are not taken');
  if (mayLoadHistory || start >= now.getTime() - OLDEST_OF_OWNERS) return undefined;
  return new Refusal('TOO_OLD', 'The reading is older than 400 days: ask an operator to load history');
}

/** Holds a reading against its meter. @returns undefined when it fits */
export function refusalByMeter(reading: Reading, meter: MeterFacts): Refusal | undefined {
  const { meterSerial, generatedWh, intervalMinutes: minutes } = reading;
  if (meter.status === 'suspended') {
    return new Refusal(
      'METER_SUSPENDED',
      `Meter ${meterSerial} is suspended until an operator verifies it again`,
    );
  }
  if (meter.status === 'retired') return new Refusal('METER_RETIRED', `Meter ${meterSerial} is retired`);
  if (meter.intervalMinutes !== null && meter.intervalMinutes !== minutes) {
    return new Refusal(
      'INTERVAL_LENGTH_CHANGED',
      `Meter ${meterSerial} counts in intervals of ${meter.intervalMinutes} minutes, not ${minutes}`,
    );
  }
  if (!isAboveCapacity(generatedWh, minutes, meter.capacityW)) return undefined;
  return new Refusal(
    'ABOVE_CAPACITY',
    `Meter ${meterSerial} cannot have generated ${generatedWh} Wh in ${minutes} minutes with ${meter.capacityW} W`,
  );
}

/** Whether generation exceeds capacity × minutes / 60 by more than a fifth, in integers. */
function isAboveCapacity(generatedWh: bigint, minutes: number, capacityW: bigint): boolean {
  return generatedWh * 50n > capacityW * BigInt(minutes);
}
