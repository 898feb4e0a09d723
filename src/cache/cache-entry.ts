/**
 * What a domain says about an answer it keeps: the key and how long it may live, and the tags by which a
 * write drops it. Domains own their entries; the cache knows none of them.
 */
export interface CacheEntry<Value> {
  /** Prefix first (`offers:active`), then the parts that tell one answer from another. */
  readonly key: readonly [prefix: string, ...parts: string[]];
  /** How long an answer is fresh; every copy lives up to a tenth longer or shorter, so that they do not end together. */
  readonly ttlSeconds: number;
  readonly tags: readonly string[];
  /** How long after that it is still given out while a new one is computed behind it. Unset: not at all. */
  readonly staleSeconds?: number;
  /** How long `null` is kept ("there is none"). Unset: as long as other answers, but at most half a minute. */
  readonly nullTtlSeconds?: number;
  /**
   * Kept in Redis only, never in the memory of a process, and not at all without Redis: for what must count in
   * every process at once, such as a right that was taken away.
   */
  readonly sharedOnly?: true;
  /** Only for the type checker: what is kept under the key. Values are plain JSON. */
  readonly value?: Value;
}

/** What a part of a key must not hold as it is: separators, wildcards, and what is not printable ASCII. */
const TO_ENCODE = /[^\w.~|,=@-]/;

export const keyOf = ({ key }: CacheEntry<unknown>): string => {
  let text: string = key[0];
  for (let index = 1; index < key.length; index++) text += `:${encodedPart(key[index] as string)}`;
  return text;
};

/** The key of the answer under this prefix that the parts tell from others. */
export const buildKey = (prefix: string, ...parts: string[]): string =>
  keyOf({ key: [prefix, ...parts], ttlSeconds: 0, tags: [] });

export const prefixOf = ({ key }: CacheEntry<unknown>): string => key[0];

/** Parts come from requests: a colon or star in one must not reach into another key. The prefix is ours. */
function encodedPart(part: string): string {
  return TO_ENCODE.test(part) ? encodeURIComponent(part).replaceAll('*', '%2A') : part;
}
