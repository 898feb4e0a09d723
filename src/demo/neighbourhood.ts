import { clearSkyIrradiance, cosineOfZenith, RATED_IRRADIANCE, transmittance, type Place } from './clear-sky';
import type { Dataset, Household } from './dataset';
import { sharesOfDay, type Lifestyle } from './load-profile';
import { between, seededRandom } from './seeded-random';

const DAY_MS = 86_400_000;
const INTERVAL_MINUTES = 15;
const INTERVAL_MS = INTERVAL_MINUTES * 60_000;
const INTERVALS_PER_DAY = DAY_MS / INTERVAL_MS;

/** Bangkok, whose clock is seven hours ahead of UTC all year. */
const PLACE: Place = { latitude: 13.75, longitude: 100.5 };
const LOCAL_AHEAD_MS = 7 * 3_600_000;
export const NEIGHBOURHOOD_TIME_ZONE = 'Asia/Bangkok';

/** What inverter, wiring, dust and heat leave of the rated power (IEC 61724 calls it performance ratio). */
const PERFORMANCE_RATIO = 0.8;

interface Resident extends Household {
  readonly lifestyle: Lifestyle;
  /** Consumption of an ordinary day, in Wh. */
  readonly dailyWh: number;
}

const resident = (
  number: number,
  name: string,
  zone: string,
  pvKw: number,
  lifestyle: Lifestyle,
  dailyWh: number,
): Resident => {
  const serial = `GTX-DEMO${String(number).padStart(2, '0')}`;
  return { serial, name, zone, pvW: BigInt(pvKw * 1000), lifestyle, dailyWh };
};

const RESIDENTS: readonly Resident[] = [
  resident(1, 'Family with two children', 'north', 6, 'family', 14_200),
  resident(2, 'Three generations under one roof', 'north', 10, 'family', 21_500),
  resident(3, 'Couple at work', 'north', 0, 'at-work', 7_900),
  resident(4, 'Retired couple', 'south', 4, 'retired', 8_600),
  resident(5, 'Student flat', 'south', 0, 'student', 9_300),
  resident(6, 'Home office and toddler', 'north', 5, 'at-home', 12_100),
  resident(7, 'Single at work', 'south', 0, 'at-work', 4_800),
  resident(8, 'Family with three children', 'south', 8, 'family', 17_800),
  resident(9, 'Retired widow', 'north', 0, 'retired', 4_300),
  resident(10, 'Couple, one at home', 'south', 0, 'at-home', 9_700),
  resident(11, 'Single with one child', 'north', 0, 'family', 7_200),
  resident(12, 'Flat share of nurses', 'south', 0, 'student', 10_400),
];

/** Which neighbourhood: the same answers give the same readings, to the watt-hour. */
export interface NeighbourhoodChoice {
  readonly seed: string;
  /** The last day is the UTC day before this instant. */
  readonly before: Date;
  /** Full UTC days of readings. */
  readonly days: number;
}

/**
 * A neighbourhood of twelve households, five of them with PV, that does not exist: consumption by load shapes,
 * generation by a clear-sky model under one common sky of passing clouds; whole Wh per quarter-hour.
 * The model works in floating point and is rounded once, to readings; nothing is counted in it.
 */
export function generatedNeighbourhood(choice: NeighbourhoodChoice): Dataset {
  const readings = [READINGS_HEADER, ...readingLines(choice)].join('');
  const bytes = Buffer.from(readings, 'utf8');
  return {
    name: `generated neighbourhood "${choice.seed}"`,
    households: RESIDENTS.map(({ serial, name, zone, pvW }) => ({ serial, name, zone, pvW })),
    sizeBytes: bytes.length,
    readings: () => [bytes],
  };
}

const READINGS_HEADER = 'meter_serial,interval_start,interval_minutes,generated_wh,consumed_wh\n';

function* readingLines({ seed, before, days }: NeighbourhoodChoice): Generator<string> {
  const end = before.getTime() - (before.getTime() % DAY_MS);
  const starts = Array.from({ length: days }, (_, index) => end - (days - index) * DAY_MS);
  const sky = starts.map((day) => irradianceOfDay(seed, day));
  for (const resident of RESIDENTS) {
    const habit = habitOf(resident.lifestyle);
    for (const [index, day] of starts.entries()) {
      const generated = (sky[index] ?? []).map((irradiance) => generatedWh(resident.pvW, irradiance));
      const consumed = consumptionOfDay(seed, resident, habit, day);
      yield linesOfDay(resident.serial, day, generated, consumed);
    }
  }
}

function linesOfDay(
  serial: string,
  day: number,
  generated: readonly number[],
  consumed: readonly number[],
): string {
  const lines = generated.map((wh, index) => {
    const start = new Date(day + index * INTERVAL_MS).toISOString();
    return `${serial},${start},${INTERVAL_MINUTES},${wh},${consumed[index] ?? 0}\n`;
  });
  return lines.join('');
}

/** Horizontal irradiance of each interval of a UTC day, W/m²: clear sky at its middle, under that day's clouds. */
function irradianceOfDay(seed: string, day: number): number[] {
  const weather = seededRandom(seed, 'sky', day);
  const usualOktas = between(weather, 0.5, 6.5);
  let drift = 0;
  return Array.from({ length: INTERVALS_PER_DAY }, (_, index) => {
    // Clouds come and go, and what is overhead now is mostly still there a quarter of an hour later.
    drift = 0.8 * drift + between(weather, -1.2, 1.2);
    const oktas = Math.min(8, Math.max(0, usualOktas + drift));
    const middle = new Date(day + (index + 0.5) * INTERVAL_MS);
    return clearSkyIrradiance(cosineOfZenith(middle, PLACE)) * transmittance(oktas);
  });
}

function generatedWh(pvW: bigint, irradiance: number): number {
  const watts = Number(pvW) * (irradiance / RATED_IRRADIANCE) * PERFORMANCE_RATIO;
  return Math.round((watts * INTERVAL_MINUTES) / 60);
}

interface Habit {
  readonly weekday: readonly number[];
  readonly weekend: readonly number[];
}

const habitOf = (lifestyle: Lifestyle): Habit => ({
  weekday: sharesOfDay(lifestyle, false, INTERVALS_PER_DAY),
  weekend: sharesOfDay(lifestyle, true, INTERVALS_PER_DAY),
});

/** Consumption of each interval of a UTC day in Wh: people live by their own clock, and no two days alike. */
function consumptionOfDay(seed: string, { serial, dailyWh }: Resident, habit: Habit, day: number): number[] {
  const chance = seededRandom(seed, serial, day);
  const ofThisDay = dailyWh * between(chance, 0.82, 1.18);
  return Array.from({ length: INTERVALS_PER_DAY }, (_, index) => {
    const local = new Date(day + index * INTERVAL_MS + LOCAL_AHEAD_MS);
    const isWeekend = local.getUTCDay() === 0 || local.getUTCDay() === 6;
    const share = habit[isWeekend ? 'weekend' : 'weekday'][(local.getTime() % DAY_MS) / INTERVAL_MS] ?? 0;
    return Math.round(ofThisDay * share * between(chance, 0.6, 1.4));
  });
}
