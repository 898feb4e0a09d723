import { repeatedBy, type IndexShape } from './repeated-indexes';

const UP = 0;
const DOWN_NULLS_FIRST = 3;

const index = (shape: Partial<IndexShape> & Pick<IndexShape, 'name' | 'keys'>): IndexShape => ({
  table: 'orders',
  method: 'btree',
  predicate: undefined,
  unique: false,
  options: shape.keys.map(() => UP),
  included: [],
  ...shape,
});

const byOwner = index({ name: 'by_owner', keys: ['owner 1 0', 'id 2 0'] });

describe('an index that repeats another one', () => {
  it.each<[string, IndexShape]>([
    ['begins with the same keys', index({ name: 'owner', keys: ['owner 1 0'] })],
    ['is the same once more', index({ name: 'by_owner_too', keys: byOwner.keys })],
    [
      'goes the other way round',
      index({ name: 'newest', keys: byOwner.keys, options: [DOWN_NULLS_FIRST, DOWN_NULLS_FIRST] }),
    ],
    [
      'carries along what the other has as a key',
      index({ name: 'owner', keys: ['owner 1 0'], included: ['id'] }),
    ],
  ])('%s', (_, repeating) => {
    expect(repeatedBy(repeating, [byOwner, repeating])).toBe(byOwner);
  });

  it.each<[string, IndexShape]>([
    ['has keys in another order', index({ name: 'i', keys: ['id 2 0', 'owner 1 0'] })],
    ['has one key more', index({ name: 'i', keys: [...byOwner.keys, 'at 3 0'] })],
    ['turns one key round', index({ name: 'i', keys: byOwner.keys, options: [UP, DOWN_NULLS_FIRST] })],
    ['compares by another operator class', index({ name: 'i', keys: ['owner 7 0'] })],
    ['holds some rows only', index({ name: 'i', keys: ['owner 1 0'], predicate: 'open' })],
    ['is of another method', index({ name: 'i', keys: ['owner 1 0'], method: 'hash' })],
    ['is of another table', index({ name: 'i', keys: ['owner 1 0'], table: 'trades' })],
    ['keeps unique what the other does not', index({ name: 'i', keys: ['owner 1 0'], unique: true })],
    ['carries along more', index({ name: 'i', keys: ['owner 1 0'], included: ['amount'] })],
  ])('is none that %s', (_, other) => {
    expect(repeatedBy(other, [byOwner, other])).toBeUndefined();
  });

  it('is one of two that are the same, not both', () => {
    const twin = index({ name: 'twin', keys: byOwner.keys });
    expect([byOwner, twin].map((one) => repeatedBy(one, [byOwner, twin])?.name)).toEqual([
      undefined,
      'by_owner',
    ]);
  });

  it('is the one that is not unique, whatever it is called', () => {
    const plain = index({ name: 'a', keys: byOwner.keys });
    const unique = index({ name: 'b', keys: byOwner.keys, unique: true });
    expect(repeatedBy(plain, [plain, unique])).toBe(unique);
    expect(repeatedBy(unique, [plain, unique])).toBeUndefined();
  });
});
