import { vintageOf } from './vintage';

describe('vintage', () => {
  it.each([
    [
      'a month, its end not belonging to it',
      '2026-05-01T00:00:00Z',
      '2026-06-01T00:00:00Z',
      'UTC',
      '2026-05',
    ],
    ['an hour', '2026-05-31T23:00:00Z', '2026-06-01T00:00:00Z', 'UTC', '2026-05'],
    ['two months of a year', '2026-05-01T00:00:00Z', '2026-06-01T00:00:00.001Z', 'UTC', '2026'],
    ['a year', '2026-01-01T00:00:00Z', '2027-01-01T00:00:00Z', 'UTC', '2026'],
    ['a turn of the year', '2025-12-31T23:45:00Z', '2026-01-01T00:15:00Z', 'UTC', '2025/2026'],
    ['a month of Bangkok', '2026-04-30T17:00:00Z', '2026-05-31T17:00:00Z', 'Asia/Bangkok', '2026-05'],
    ['a year of Auckland', '2025-12-31T11:00:00Z', '2026-12-31T11:00:00Z', 'Pacific/Auckland', '2026'],
    ['January', '2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z', 'UTC', '2026-01'],
  ])('of %s', (_, from, to, timeZone, vintage) => {
    expect(vintageOf(new Date(from), new Date(to), timeZone)).toBe(vintage);
  });
});
