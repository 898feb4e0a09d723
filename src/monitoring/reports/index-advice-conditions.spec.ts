import { comparisonsOf, conjuncts, sortKeysOf } from './index-advice-conditions';

const equal = (column: string, join = false) => ({ column, kind: 'equal', join });
const range = (column: string) => ({ column, kind: 'range', join: false });

describe('the conditions of a plan', () => {
  it.each([
    ['(o.status = $1)', [equal('status')]],
    ['((o.status = $1) AND (o.price >= $2))', [equal('status'), range('price')]],
    ['((o.name)::text = $1)', [equal('name')]],
    ['($1 = o.status)', [equal('status')]],
    ['(o.id = ANY ($1))', [equal('id')]],
    ['(o.user_id = u.id)', [equal('user_id', true)]],
    ['(u.id = o.user_id)', [equal('user_id', true)]],
    ['(o."Mixed Case" < (now() - ($1)::interval))', [range('Mixed Case')]],
    ["((o.word = 'an (odd) AND value'::text) AND (o.n = 1))", [equal('word'), equal('n')]],
  ])('%s', (condition, expected) => {
    expect(comparisonsOf('o', [condition])).toEqual(expected);
  });

  it.each([
    '((o.a = $1) OR (o.b = $2))',
    '(o.a = o.b)',
    '(lower(o.a) = $1)',
    '(NOT (o.a = $1))',
    '(other.a = $1)',
    '(o.a <> $1)',
    '((o.a + o.b) = $1)',
  ])('%s asks nothing that an index on columns answers', (condition) => {
    expect(comparisonsOf('o', [condition])).toEqual([]);
  });

  it('are taken apart at AND, wherever the brackets are', () => {
    expect(conjuncts('(((a.x = $1) AND (a.y = $2)) AND (a.z = f($3, $4)))')).toEqual([
      'a.x = $1',
      'a.y = $2',
      'a.z = f($3, $4)',
    ]);
  });
});

describe('the sort keys of a plan', () => {
  it('count when all are columns of the table', () => {
    expect(sortKeysOf('o', ['o.created_at DESC', 'o.id'])).toEqual([
      { column: 'created_at', descending: true },
      { column: 'id', descending: false },
    ]);
    expect(sortKeysOf('o', ['o.created_at', 'u.id'])).toEqual([]);
    expect(sortKeysOf('o', ['(count(*)) DESC'])).toEqual([]);
    expect(sortKeysOf('o', ['o.a DESC NULLS LAST'])).toEqual([]);
  });
});
