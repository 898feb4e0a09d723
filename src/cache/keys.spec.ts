import { buildKey } from './cache-entry';
import { freezeAndMeasure, NotPlainJson } from './frozen';
import { patternMatcher, redisGlob } from './key-pattern';
import { lifetimeOf, renewalOf } from './lifetime';

describe('keys', () => {
  it('tell apart whatever the parts hold', () => {
    const parts = ['a:b', 'a', 'b', '*', '%3A', '', 'ü', 'a|b'];
    const keys = parts.flatMap((one) => [
      buildKey('p', one),
      ...parts.map((other) => buildKey('p', one, other)),
    ]);
    expect(new Set(keys).size).toBe(keys.length);
    expect(buildKey('offers:active', 'solar', 'page1')).toBe('offers:active:solar:page1');
    expect(buildKey('p', '*?[x]')).not.toMatch(/[*?[\]]/);
  });
});

describe('patterns', () => {
  it('know no wildcard but the star', () => {
    const matches = patternMatcher('user:*:a.b[c]?');
    expect(matches('user:1:2:a.b[c]?')).toBe(true);
    expect(matches('user:1:axb[c]?')).toBe(false);
    expect(redisGlob('a*?[b]\\^')).toBe('a*\\?\\[b\\]\\\\\\^');
  });
});

describe('lifetimes', () => {
  it('differ by a tenth at most', () => {
    const entry = { ttlSeconds: 100, staleSeconds: 10 };
    expect(lifetimeOf(entry, 1, 0, 0).freshUntil).toBe(90_000);
    expect(lifetimeOf(entry, 1, 0, 1)).toEqual({ createdAt: 0, freshUntil: 110_000, expiresAt: 120_000 });
    expect(lifetimeOf(entry, null, 0, 0.5)).toEqual({ createdAt: 0, freshUntil: 30_000, expiresAt: 30_000 });
  });

  it('are renewed the earlier the longer computing takes', () => {
    expect(renewalOf(10_000, 0, 0.5)).toBe(10_000);
    expect(renewalOf(10_000, 1_000, Math.exp(-2))).toBeCloseTo(8_000);
  });
});

describe('frozen values', () => {
  it('are measured as their JSON, about', () => {
    const value = { list: [1, 2, { text: 'abc' }], none: null, yes: true };
    expect(Math.abs(freezeAndMeasure(value) - JSON.stringify(value).length)).toBeLessThan(25);
    expect(Object.isFrozen(value.list[2])).toBe(true);
  });

  it.each([
    [new Date()],
    [new Map()],
    [1n],
    [undefined],
    [() => 1],
    [NaN],
    [Symbol('x')],
    [[{ deep: [new Set()] }]],
  ])('are plain JSON only, not %p', (value) => {
    expect(() => freezeAndMeasure(value)).toThrow(NotPlainJson);
  });

  it('go in no circle', () => {
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    expect(() => freezeAndMeasure(circle)).toThrow(NotPlainJson);
  });
});
