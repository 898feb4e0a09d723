import { KnownKeys } from './known-keys';

const MAX_BYTES = 100_000;

describe('the keys that are remembered', () => {
  it('take no more than they may, however many are asked for', () => {
    const keys = new KnownKeys(MAX_BYTES);
    for (let n = 0; n < 5_000; n++) {
      expect(keys.keyOf(['market:data', `m${n}`, '5'])).toBe(`market:data:m${n}:5`);
      expect(keys.bytes).toBeLessThanOrEqual(MAX_BYTES);
    }
    expect(keys.bytes).toBeGreaterThan(0);
  });

  it('are not those that are long', () => {
    const keys = new KnownKeys(MAX_BYTES);
    const [cursor, foreign] = ['x'.repeat(400), 'ü'.repeat(100)];
    expect(keys.keyOf(['offers', cursor])).toBe(`offers:${cursor}`);
    expect(keys.keyOf(['offers', foreign])).toBe(`offers:${encodeURIComponent(foreign)}`);
    expect(keys.bytes).toBe(0);
  });

  it('are counted once', () => {
    const keys = new KnownKeys(MAX_BYTES);
    keys.keyOf(['offers', 'solar']);
    const { bytes } = keys;
    for (let again = 0; again < 10; again++) keys.keyOf(['offers', 'solar']);
    expect(keys.bytes).toBe(bytes);
    expect(keys.keyOf(['offers'])).toBe('offers');
    expect(keys.bytes).toBeGreaterThan(bytes);
  });
});
