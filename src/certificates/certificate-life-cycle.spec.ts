import { CERTIFICATE_STATUSES, expiryOf, maySucceed } from './certificate-life-cycle';

describe('the life cycle of certificates', () => {
  it('nothing comes after the end', () => {
    for (const ended of ['retired', 'expired', 'withdrawn'] as const) {
      expect(CERTIFICATE_STATUSES.filter((next) => maySucceed(ended, next))).toEqual([]);
    }
  });

  it('what is live is transferred, retired, expires or is withdrawn, and never new again', () => {
    for (const live of ['active', 'transferred'] as const) {
      const next = CERTIFICATE_STATUSES.filter((status) => maySucceed(live, status));
      expect(next).toEqual(['transferred', 'retired', 'expired', 'withdrawn']);
    }
  });

  it.each([
    ['2026-03-01T10:20:30.400Z', '2027-03-01T10:20:30.400Z'],
    ['2027-12-31T23:59:59.999Z', '2028-12-31T23:59:59.999Z'],
    ['2028-02-29T12:00:00.000Z', '2029-03-01T12:00:00.000Z'],
  ])('one that is issued at %s expires at %s', (issued, expires) => {
    expect(expiryOf(new Date(issued)).toISOString()).toBe(expires);
  });
});
