import { keyOf } from '../cache-entry';
import { httpEntry, type RequestParts } from './http-entry';
import type { HttpCachePolicy, KeptRequest } from './http-cache-policy';

const policy: HttpCachePolicy = {
  prefix: 'http:book',
  ttlSeconds: 10,
  scope: 'public',
  tags: ({ params, query, userId }) => [
    `market:${params['market']}`,
    `depth:${query['depth']}`,
    `user:${userId}`,
  ],
  query: ['depth', 'side'],
};
const principal = {
  userId: 'u1',
  role: 'prosumer',
  organizationId: null,
  sessionId: 's1',
  emailVerified: true,
  requestId: 'r1',
} as const;

const entry = (parts: Partial<RequestParts>, rest: Partial<HttpCachePolicy> = {}) =>
  httpEntry({ ...policy, ...rest }, { params: { market: 'solar' }, query: {}, ...parts });

const keyFor = (parts: Partial<RequestParts>, rest?: Partial<HttpCachePolicy>): string | undefined => {
  const found = entry(parts, rest);
  return found && keyOf(found);
};

describe('the entry of a request', () => {
  it('is named by the path and the parameters of the query, whatever their order', () => {
    expect(keyFor({})).toBe('http:book:solar');
    expect(keyFor({ query: { side: 'buy', depth: '5' } })).toBe('http:book:solar:depth:5:side:buy');
    expect(keyFor({ query: { depth: '5', side: 'buy' } })).toBe('http:book:solar:depth:5:side:buy');
  });

  it('keeps separators in values from reaching other keys', () => {
    expect(keyFor({ params: { market: 'solar:depth:5' } })).not.toBe(keyFor({ query: { depth: '5' } }));
    expect(keyFor({ params: { market: 'a*' } })).toBe('http:book:a%2A');
  });

  it('has tags made of the request', () => {
    expect(entry({ query: { depth: '5' } })?.tags).toEqual(['market:solar', 'depth:5', 'user:undefined']);
    expect(entry({}, { tags: ['markets'] })?.tags).toEqual(['markets']);
  });

  it('is none where nothing can be called like that', () => {
    const tags = ({ params }: KeptRequest) => (params['market'] === 'solar' ? ['market:solar'] : undefined);
    expect(entry({}, { tags })?.tags).toEqual(['market:solar']);
    expect(entry({ params: { market: 'no market' } }, { tags })).toBeUndefined();
  });

  it('ends with the answer that it is made of', () => {
    expect(entry({})?.validUntil?.({ text: '{}', version: 'v1', freshUntil: 7 })).toBe(7);
    expect(entry({})?.validUntil?.({ text: '{}', version: 'v1' })).toBeUndefined();
  });

  it('belongs to whoever asks, and to the rights they have, in the scope of a user', () => {
    const scope = 'user' as const;
    const own = entry({ principal }, { scope });
    expect(own?.tags).toContain('user:u1');
    const keys = [
      keyFor({ principal }, { scope }),
      keyFor({ principal: { ...principal, userId: 'u2' } }, { scope }),
      keyFor({ principal: { ...principal, role: 'admin' } }, { scope }),
      keyFor({ principal: { ...principal, organizationId: 'o1' } }, { scope }),
    ];
    expect(new Set(keys).size).toBe(keys.length);
    expect(keyFor({ principal: undefined }, { scope })).toBeUndefined();
    expect(keyFor({ principal })).toBe(keyFor({}));
  });

  it.each([
    ['is not named by the policy', { query: { colour: 'red' } }],
    ['is repeated', { query: { depth: ['5', '5'] } }],
    ['is empty', { query: { depth: '' } }],
    ['has blanks at its ends', { query: { depth: ' 5' } }],
    ['is too long', { query: { depth: '5'.repeat(401) } }],
    ['is called like a prototype', { query: JSON.parse('{"__proto__":"5"}') as unknown }],
    ['is too long in the path', { params: { market: 'x'.repeat(401) } }],
    [
      'is too long with the others',
      { params: { a: 'x'.repeat(400), b: 'x'.repeat(400), c: 'x'.repeat(400) } },
    ],
  ])('is none where a parameter %s', (_, parts) => {
    expect(entry(parts)).toBeUndefined();
  });

  it('takes no parameters where the policy names none', () => {
    const { query: _none, ...withoutQuery } = policy;
    expect(httpEntry(withoutQuery, { params: {}, query: { depth: '5' } })).toBeUndefined();
    expect(httpEntry(withoutQuery, { params: {}, query: undefined })).toBeDefined();
  });
});
