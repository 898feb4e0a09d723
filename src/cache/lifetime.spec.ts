import { lifetimeOf } from './lifetime';

const NOW = 1_000_000;
const EXACT = 0.5;

describe('how long an answer lives', () => {
  it('is its TTL, a tenth more or less, and what it may be stale after that', () => {
    const entry = { ttlSeconds: 10, staleSeconds: 5 };
    expect(lifetimeOf(entry, 'value', NOW, EXACT)).toEqual({
      createdAt: NOW,
      freshUntil: NOW + 10_000,
      expiresAt: NOW + 15_000,
    });
    expect(lifetimeOf(entry, 'value', NOW, 0).freshUntil).toBe(NOW + 9_000);
    expect(lifetimeOf(entry, 'value', NOW, 1).freshUntil).toBe(NOW + 11_000);
  });

  it('ends with what makes the value wrong by itself, also while it could be stale', () => {
    const entry = { ttlSeconds: 10, staleSeconds: 5, validUntil: (value: number) => NOW + value };
    const of = (value: number) => lifetimeOf(entry, value, NOW, EXACT);
    expect(of(4_000)).toMatchObject({ freshUntil: NOW + 4_000, expiresAt: NOW + 4_000 });
    expect(of(12_000)).toMatchObject({ freshUntil: NOW + 10_000, expiresAt: NOW + 12_000 });
    expect(of(-1)).toMatchObject({ freshUntil: NOW, expiresAt: NOW });
    expect(of(60_000)).toMatchObject({ freshUntil: NOW + 10_000, expiresAt: NOW + 15_000 });
  });

  it('is short where there is nothing, and never asks nothing when it ends', () => {
    const entry = { ttlSeconds: 600, staleSeconds: 5, validUntil: () => NOW };
    expect(lifetimeOf(entry, null, NOW, EXACT)).toMatchObject({
      freshUntil: NOW + 30_000,
      expiresAt: NOW + 30_000,
    });
  });
});
