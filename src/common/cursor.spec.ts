import { decodeCursor, INTEGER_SHAPE, pageOf, UUID_SHAPE } from './cursor';

const id = '0190a0b0-0000-7000-8000-000000000001';

describe('keyset pages', () => {
  it('tells where the next page begins, and that the last one is the last', () => {
    const first = pageOf(
      [1, 2, 3],
      2,
      (row) => [String(row)],
      (row) => row * 10,
    );
    expect(first.items).toEqual([10, 20]);
    expect(decodeCursor(first.nextCursor as string, [INTEGER_SHAPE])).toEqual(['2']);
    expect(
      pageOf(
        [1, 2],
        2,
        (row) => [String(row)],
        (row) => row,
      ).nextCursor,
    ).toBeNull();
  });

  it.each([
    ['nonsense', '!!'],
    ['another list', Buffer.from('["1"]').toString('base64url')],
    ['a made-up value', Buffer.from(`["${id}' OR 1=1"]`).toString('base64url')],
    ['too many values', Buffer.from(`["${id}","${id}"]`).toString('base64url')],
    ['no list', Buffer.from('{}').toString('base64url')],
  ])('refuses %s', (_, cursor) => {
    expect(() => decodeCursor(cursor, [UUID_SHAPE])).toThrow('cursor: is not a cursor of this list');
  });
});
