import { validate, version } from 'uuid';
import { madeAt, newId } from './id';

describe('a new id', () => {
  const ids = Array.from({ length: 20_000 }, () => newId());

  it('is a UUIDv7 that tells when it was made', () => {
    expect(ids.every((id) => validate(id) && version(id) === 7)).toBe(true);
    expect(Math.abs(madeAt(newId()).getTime() - Date.now())).toBeLessThan(1_000);
    expect(madeAt('017f22e2-79b0-7cc3-98c4-dc0c0c07398f')).toEqual(new Date('2022-02-22T19:22:22Z')); // RFC 9562, A.6
  });

  it('is given once, and sorts after all before it', () => {
    expect(new Set(ids).size).toBe(ids.length);
    expect([...ids].sort()).toEqual(ids);
  });

  it('does not tell the next one: what is random differs from id to id', () => {
    expect(new Set(ids.map((id) => id.slice(-12))).size).toBe(ids.length);
  });
});
