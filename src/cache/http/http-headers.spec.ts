import { cacheHeaders, etagOf, isKnown, type Described } from './http-headers';

const NOW = 1_000_000;
const answer = (rest: Partial<Described> = {}): Described => ({
  outcome: 'hit',
  etag: '"v1"',
  createdAt: NOW - 12_900,
  freshUntil: NOW + 30_900,
  ...rest,
});

describe('what clients are told of an answer', () => {
  it('is to ask each time whether it is still the same', () => {
    expect(cacheHeaders(answer(), { scope: 'public' }, NOW)).toEqual({
      'x-cache': 'HIT',
      'cache-control': 'public, no-cache',
      etag: '"v1"',
      age: '12',
    });
    expect(cacheHeaders(answer(), { scope: 'user' }, NOW)['cache-control']).toBe('private, no-cache');
  });

  it.each([
    [20, 'public, max-age=32'],
    [300, 'public, max-age=42'],
    [0, 'public, no-cache'],
  ])('is to use it for %i seconds more, as far as it is fresh that long: %s', (clientSeconds, expected) => {
    expect(cacheHeaders(answer(), { scope: 'public', clientSeconds }, NOW)['cache-control']).toBe(expected);
  });

  it('is to ask about what is no longer fresh', () => {
    const stale = answer({ outcome: 'stale', freshUntil: NOW - 1 });
    const headers = cacheHeaders(stale, { scope: 'public', clientSeconds: 20 }, NOW);
    expect(headers).toMatchObject({ 'x-cache': 'STALE', 'cache-control': 'public, no-cache' });
  });

  it('is to keep nothing of what is not kept here', () => {
    for (const outcome of ['miss', 'bypass'] as const)
      expect(cacheHeaders(answer({ outcome, etag: undefined }), { scope: 'public' }, NOW)).toEqual({
        'x-cache': outcome.toUpperCase(),
        'cache-control': 'no-store',
      });
  });

  it('is never an age below zero, however clocks differ', () => {
    expect(cacheHeaders(answer({ createdAt: NOW + 5_000 }), { scope: 'public' }, NOW)['age']).toBe('0');
  });
});

describe('an answer that a client has', () => {
  const etag = etagOf('v1');

  it.each([etag, `W/${etag}`, `"v0", ${etag}`, `"v0",W/${etag}`, ' * '])('is recognised by %s', (header) => {
    expect(isKnown(header, etag)).toBe(true);
  });

  it.each([undefined, '', '"v0"', 'v1', '"v10"', '"v0, v1"', '"*"'])('is not recognised by %s', (header) => {
    expect(isKnown(header, etag)).toBe(false);
  });

  it('is none where nothing is kept', () => {
    expect(isKnown('*', undefined)).toBe(false);
  });
});
