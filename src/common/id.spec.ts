import { validate, version } from 'uuid';
import { newId } from './id';

describe('a new id', () => {
  const ids = Array.from({ length: 20_000 }, () => newId());

  it('is a UUIDv7 that tells when it was made', () => {
    expect(ids.every((id) => validate(id) && version(id) === 7)).toBe(true);
    const made = Number.parseInt(newId().replaceAll('-', '').slice(0, 12), 16);
    expect(Math.abs(made - Date.now())).toBeLessThan(1_000);
  });

  it('is given once, and sorts after all before it', () => {
    expect(new Set(ids).size).toBe(ids.length);
    expect([...ids].sort()).toEqual(ids);
  });

  it('does not tell the next one: what is random differs from id to id', () => {
    expect(new Set(ids.map((id) => id.slice(-12))).size).toBe(ids.length);
  });
});
