const DAY_MS = 86_400_000;
const WEEKDAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'] as const;

/** When something comes back by the clock; all of it UTC. */
export interface Schedule {
  /** As pg-boss takes it. */
  readonly cron: string;
  /** For people. */
  readonly words: string;
  /** The longest time from one to the next. */
  readonly periodMs: number;
  /** The first time after an instant. */
  next(after: Date): Date;
}

/** On a day of the week, Sunday is 0, at an hour. */
export function weekly(weekday: 0 | 1 | 2 | 3 | 4 | 5 | 6, hour: number): Schedule {
  return {
    cron: `0 ${hour} * * ${weekday}`,
    words: `${WEEKDAYS[weekday]}s ${clock(hour)}`,
    periodMs: 7 * DAY_MS,
    next: (after) => {
      const day = after.getUTCDate() + ((weekday - after.getUTCDay() + 7) % 7);
      const first = Date.UTC(after.getUTCFullYear(), after.getUTCMonth(), day, hour);
      return new Date(first > after.getTime() ? first : first + 7 * DAY_MS);
    },
  };
}

/** On a day that every month has, 1 to 28, at an hour. */
export function monthly(day: number, hour: number): Schedule {
  return {
    cron: `0 ${hour} ${day} * *`,
    words: `day ${day} of each month ${clock(hour)}`,
    periodMs: 31 * DAY_MS,
    next: (after) => {
      const inMonth = (months: number) =>
        Date.UTC(after.getUTCFullYear(), after.getUTCMonth() + months, day, hour);
      return new Date(inMonth(0) > after.getTime() ? inMonth(0) : inMonth(1));
    },
  };
}

const clock = (hour: number): string => `${String(hour).padStart(2, '0')}:00 UTC`;
