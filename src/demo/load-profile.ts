/**
 * How people of a kind spread their consumption over a day. The shapes are designed here; they follow the
 * general form of standard load profiles for households such as H0 of the German BDEW: low at night, a rise
 * in the morning, the day's peak in the evening, and a later, fuller day at weekends.
 */

/** A time of day at which more is used: a bell around `hour` (local time), `width` hours wide. */
interface Peak {
  readonly hour: number;
  readonly width: number;
  readonly weight: number;
}

interface DayShape {
  /** What runs around the clock (refrigerator, router, stand-by), against the weights of the peaks. */
  readonly base: number;
  readonly peaks: readonly Peak[];
}

export type Lifestyle = 'at-work' | 'at-home' | 'family' | 'retired' | 'student';

interface LoadShape {
  readonly weekday: DayShape;
  readonly weekend: DayShape;
}

const peak = (hour: number, width: number, weight: number): Peak => ({ hour, width, weight });

const SHAPES: Record<Lifestyle, LoadShape> = {
  'at-work': {
    weekday: { base: 0.35, peaks: [peak(6.8, 0.8, 0.9), peak(19.5, 1.8, 1.7)] },
    weekend: { base: 0.4, peaks: [peak(10, 1.6, 0.9), peak(13.5, 1.5, 0.6), peak(19.5, 2.1, 1.4)] },
  },
  'at-home': {
    weekday: { base: 0.4, peaks: [peak(7.5, 1.1, 0.7), peak(12.5, 1.8, 1), peak(19, 2, 1.4)] },
    weekend: { base: 0.4, peaks: [peak(9.5, 1.5, 0.8), peak(13, 1.8, 1), peak(19.5, 2.1, 1.3)] },
  },
  family: {
    weekday: { base: 0.35, peaks: [peak(6.5, 0.9, 1.1), peak(16, 1.5, 0.6), peak(19, 1.7, 1.9)] },
    weekend: { base: 0.4, peaks: [peak(9, 1.4, 1), peak(12.8, 1.4, 1.1), peak(19, 2, 1.6)] },
  },
  retired: {
    weekday: { base: 0.45, peaks: [peak(7, 1.2, 0.8), peak(12, 1.4, 1.2), peak(18, 1.8, 1.1)] },
    weekend: { base: 0.45, peaks: [peak(7.5, 1.3, 0.8), peak(12, 1.5, 1.3), peak(18, 1.9, 1.1)] },
  },
  student: {
    weekday: { base: 0.45, peaks: [peak(9, 1.4, 0.5), peak(18.5, 1.8, 0.8), peak(22.5, 1.8, 1.3)] },
    weekend: { base: 0.45, peaks: [peak(12, 1.8, 0.8), peak(18.5, 1.8, 0.7), peak(23, 2, 1.2)] },
  },
};

/**
 * The share of a day's consumption in each interval of the day, from local midnight on; the shares sum to one.
 * @param intervals how many intervals a day has: 96 for quarter-hours
 */
export function sharesOfDay(lifestyle: Lifestyle, weekend: boolean, intervals: number): number[] {
  const { base, peaks } = SHAPES[lifestyle][weekend ? 'weekend' : 'weekday'];
  const loads = Array.from({ length: intervals }, (_, index) => {
    const hour = ((index + 0.5) * 24) / intervals;
    return peaks.reduce(
      (load, { hour: at, width, weight }) => load + weight * bell(hoursApart(hour, at) / width),
      base,
    );
  });
  const total = loads.reduce((sum, load) => sum + load, 0);
  return loads.map((load) => load / total);
}

const bell = (distance: number): number => Math.exp(-(distance ** 2) / 2);

/** Round the clock: 23:30 and 00:30 are one hour apart. */
function hoursApart(one: number, other: number): number {
  const apart = Math.abs(one - other) % 24;
  return Math.min(apart, 24 - apart);
}
