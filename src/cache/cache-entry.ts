import { KnownKeys } from './known-keys';

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
  /**
   * Kept in the memory of this process only: for what is made of another kept answer, which may be older than its tags
   * are in Redis by now, for as long as a message takes. Its tags drop it, and it is not kept while they are on hold.
   */
  readonly localOnly?: true;
  /**
   * When a value stops being right by itself, whatever its TTL: an end that nobody writes down, such as a session's or
   * an offer's. Milliseconds of the wall clock; undefined for never. `null` is not asked.
   */
  validUntil?(value: Value): number | undefined;
  /** Only for the type checker: what is kept under the key. Values are plain JSON. */
  readonly value?: Value;
}

/** About what the keys that were asked for lately take in this process, beside what CACHE_L1_MAX_BYTES bounds. */
const MAX_KEY_BYTES = 8 * 1024 ** 2;
const keys = new KnownKeys(MAX_KEY_BYTES);

export const keyOf = ({ key }: CacheEntry<unknown>): string => keys.keyOf(key);

/** The key of the answer under this prefix that the parts tell from others. */
export const buildKey = (prefix: string, ...parts: string[]): string => keys.keyOf([prefix, ...parts]);

export const prefixOf = ({ key }: CacheEntry<unknown>): string => key[0];
