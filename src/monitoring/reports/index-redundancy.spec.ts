import { redundancies, type ComparedIndex } from './index-redundancy';

const index = (name: string, keys: string[], form: Partial<ComparedIndex> = {}): ComparedIndex => ({
  name,
  method: 'btree',
  keys,
  directions: keys.map(() => 0),
  keyColumns: keys,
  included: [],
  predicate: null,
  nullsNotDistinct: false,
  immediate: true,
  reliedOn: false,
  unique: false,
  constraint: undefined,
  declared: false,
  ...form,
});

const found = (...indexes: ComparedIndex[]) =>
  redundancies(indexes).map(
    ({ redundant, coveredBy, kind }) => `${redundant.name} ${kind} ${coveredBy.name}`,
  );

describe('indexes that add nothing', () => {
  it.each([
    [
      'one of two of the same form, the later by name',
      [index('a', ['x']), index('b', ['x'])],
      ['b duplicate a'],
    ],
    [
      'of two, the one that the code does not ask for',
      [index('a', ['x']), index('b', ['x'], { declared: true })],
      ['a duplicate b'],
    ],
    [
      'of three, two, each beside the one that stays',
      [index('a', ['x']), index('b', ['x']), index('c', ['x'], { declared: true })],
      ['a duplicate c', 'b duplicate c'],
    ],
    ['the leading keys of another', [index('a', ['x']), index('b', ['x', 'y'])], ['a prefix b']],
    [
      'one beside a unique one',
      [index('a', ['x']), index('b', ['x'], { unique: true, constraint: 'b' })],
      ['a duplicate b'],
    ],
    [
      'a unique one beside the same of a constraint',
      [index('a', ['x'], { unique: true }), index('b', ['x'], { unique: true, constraint: 'b' })],
      ['a duplicate b'],
    ],
    [
      'the same read backwards',
      [index('a', ['x', 'y'], { directions: [0, 3] }), index('b', ['x', 'y'], { directions: [3, 0] })],
      ['b duplicate a'],
    ],
    [
      'one whose carried columns the other has',
      [index('a', ['x'], { included: ['y'] }), index('b', ['x', 'z'], { included: ['y'] })],
      ['a prefix b'],
    ],
  ])('are %s', (_, indexes, expected) => {
    expect(found(...indexes)).toEqual(expected);
  });

  it.each([
    ['other keys', index('a', ['y']), index('b', ['x', 'y'])],
    ['another order of directions', index('a', ['x', 'y'], { directions: [0, 3] }), index('b', ['x', 'y'])],
    ['another predicate', index('a', ['x'], { predicate: '(y > 1)' }), index('b', ['x'])],
    ['another method', index('a', ['x'], { method: 'hash' }), index('b', ['x'])],
    [
      'a beginning that only a B-tree can use',
      index('a', ['x'], { method: 'gin' }),
      index('b', ['x', 'y'], { method: 'gin' }),
    ],
    ['uniqueness of fewer columns', index('a', ['x'], { unique: true }), index('b', ['x', 'y'])],
    [
      'uniqueness of nulls',
      index('a', ['x'], { unique: true, nullsNotDistinct: true }),
      index('b', ['x'], { unique: true }),
    ],
    [
      'uniqueness at once',
      index('a', ['x'], { unique: true }),
      index('b', ['x'], { unique: true, immediate: false, constraint: 'b' }),
    ],
    ['columns that are carried along', index('a', ['x'], { included: ['y'] }), index('b', ['x', 'z'])],
    [
      'what foreign keys rely on',
      index('a', ['x'], { unique: true, reliedOn: true }),
      index('b', ['x', 'y']),
    ],
    [
      'an exclusion',
      index('a', ['x'], { method: 'gist', constraint: 'a' }),
      index('b', ['x'], { method: 'gist', constraint: 'b' }),
    ],
  ])('are none with %s', (_, a, b) => {
    expect(found(a, b)).toEqual([]);
  });
});
