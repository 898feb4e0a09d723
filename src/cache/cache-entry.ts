/**
 * What a domain says about an answer it keeps: the key and how long it may live, and the tags by which a
 * write drops it. Domains own their entries; the cache knows none of them.
 */
export interface CacheEntry<Value> {
  /** Prefix first (`offers:active`), then the parts that tell one answer from another. */
  readonly key: readonly [prefix: string, ...parts: string[]];
  readonly ttlSeconds: number;
  readonly tags: readonly string[];
  /** Only for the type checker: what is kept under the key. Values are plain JSON. */
  readonly value?: Value;
}

export const keyOf = ({ key }: CacheEntry<unknown>): string => key.map(encodeURIComponentOfPart).join(':');
export const prefixOf = ({ key }: CacheEntry<unknown>): string => key[0];

/** Parts come from requests: a colon or star in one must not reach into another key. The prefix is ours. */
function encodeURIComponentOfPart(part: string, index: number): string {
  return index === 0 ? part : encodeURIComponent(part);
}
