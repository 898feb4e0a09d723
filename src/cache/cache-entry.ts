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

/** What a part of a key must not hold as it is: separators, wildcards, and what is not printable ASCII. */
const TO_ENCODE = /[^\w.~|,=@-]/;

/** Parts seen lately, with the key they lead to: a text that is made anew costs a map more than all the rest. */
interface KnownParts {
  key?: string;
  readonly next: Map<string, KnownParts>;
}

const MAX_KNOWN = 50_000;
let known: KnownParts = { next: new Map() };
let knownCount = 0;

export function keyOf({ key }: CacheEntry<unknown>): string {
  let parts = known;
  for (let index = 0; index < key.length; index++) {
    const part = key[index] as string;
    parts = parts.next.get(part) ?? remember(parts, part);
  }
  return (parts.key ??= composed(key));
}

function remember(parts: KnownParts, part: string): KnownParts {
  if (knownCount++ > MAX_KNOWN) {
    known = { next: new Map() };
    knownCount = 0;
  }
  const next: KnownParts = { next: new Map() };
  parts.next.set(part, next);
  return next;
}

function composed([prefix, ...parts]: readonly string[]): string {
  return [prefix, ...parts.map(encodedPart)].join(':');
}

/** The key of the answer under this prefix that the parts tell from others. */
export const buildKey = (prefix: string, ...parts: string[]): string =>
  keyOf({ key: [prefix, ...parts], ttlSeconds: 0, tags: [] });

export const prefixOf = ({ key }: CacheEntry<unknown>): string => key[0];

/** Parts come from requests: a colon or star in one must not reach into another key. The prefix is ours. */
function encodedPart(part: string): string {
  return TO_ENCODE.test(part) ? encodeURIComponent(part).replaceAll('*', '%2A') : part;
}
