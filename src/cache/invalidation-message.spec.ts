import { decodeInvalidation, encodeHeartbeat, encodeInvalidation } from './invalidation-message';

describe('messages of invalidations', () => {
  it('are split below the limit, and lose nothing', () => {
    const tags = Array.from({ length: 500 }, (_one, index) => `tag "ü" ${index}`);
    const texts = encodeInvalidation('me', { tags, keys: ['k'], patterns: ['p*'] }, 500);
    for (const text of texts) expect(Buffer.byteLength(text)).toBeLessThanOrEqual(500);
    const heard = texts.map((text) => decodeInvalidation('you', text));
    expect(heard.flatMap((part) => part?.tags ?? [])).toEqual(tags);
    expect(heard.flatMap((part) => part?.keys ?? [])).toEqual(['k']);
    expect(heard.flatMap((part) => part?.patterns ?? [])).toEqual(['p*']);
  });

  it('mean everything when one name is too long, or when they cannot be read', () => {
    expect(
      encodeInvalidation('me', { keys: ['x'.repeat(600)] }, 500).map((text) =>
        decodeInvalidation('you', text),
      ),
    ).toEqual([{ all: true }]);
    for (const text of ['', '{', 'null', '7', '{"s":"a"}', '{"s":"a","t":7}', '{"s":"a","k":[1]}'])
      expect(decodeInvalidation('you', text)).toEqual({ all: true });
  });

  it('of a heartbeat drop nothing anywhere', () => {
    expect(decodeInvalidation('you', encodeHeartbeat('me'))).toEqual({ tags: [] });
    expect(decodeInvalidation('me', encodeHeartbeat('me'))).toBeUndefined();
  });

  it('are not heard by whoever sent them', () => {
    const [text] = encodeInvalidation('me', { tags: ['x'] });
    expect(decodeInvalidation('me', text as string)).toBeUndefined();
  });
});
