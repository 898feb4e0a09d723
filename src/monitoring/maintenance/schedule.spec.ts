import { monthly, weekly } from './schedule';

const nextOf = (schedule: ReturnType<typeof weekly>, after: string): string =>
  schedule.next(new Date(after)).toISOString();

describe('a weekly schedule', () => {
  const sundays = weekly(0, 3);

  it('is said as cron and in words', () => {
    expect([sundays.cron, sundays.words]).toEqual(['0 3 * * 0', 'Sundays 03:00 UTC']);
  });

  it.each([
    ['2026-11-01T02:59:59.999Z', '2026-11-01T03:00:00.000Z'], // a Sunday
    ['2026-11-01T03:00:00Z', '2026-11-08T03:00:00.000Z'],
    ['2026-11-02T00:00:00Z', '2026-11-08T03:00:00.000Z'],
    ['2026-12-31T23:00:00Z', '2027-01-03T03:00:00.000Z'],
  ])('comes after %s at %s', (after, next) => {
    expect(nextOf(sundays, after)).toBe(next);
  });
});

describe('a monthly schedule', () => {
  const firsts = monthly(1, 4);

  it('is said as cron and in words', () => {
    expect([firsts.cron, firsts.words]).toEqual(['0 4 1 * *', 'day 1 of each month 04:00 UTC']);
  });

  it.each([
    ['2026-11-01T03:59:00Z', '2026-11-01T04:00:00.000Z'],
    ['2026-11-01T04:00:00Z', '2026-12-01T04:00:00.000Z'],
    ['2026-12-15T00:00:00Z', '2027-01-01T04:00:00.000Z'],
  ])('comes after %s at %s', (after, next) => {
    expect(nextOf(firsts, after)).toBe(next);
  });
});
