import { tooYoung } from './statistics-age';

describe('the age of statistics', () => {
  const now = new Date('2026-11-22T12:00:00Z');
  const since = (instant: string) => tooYoung({ since: new Date(instant), now });

  it.each([
    ['2026-11-22T11:59:00Z', 'less than an hour'],
    ['2026-11-22T12:00:01Z', 'less than an hour'], // reset while the question was on its way
    ['2026-11-22T11:00:00Z', '1 hour'],
    ['2026-11-21T00:00:00Z', '36 hours'],
    ['2026-11-15T12:00:01Z', '6 days'],
  ])('from %s on is too young to judge by, and said: %s', (instant, age) => {
    expect(since(instant)).toContain(`, ${age}: nothing is judged`);
  });

  it.each(['2026-11-15T12:00:00Z', '2025-01-01T00:00:00Z'])('from %s on will do', (instant) => {
    expect(since(instant)).toBeUndefined();
  });
});
