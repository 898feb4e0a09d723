/** Metadata of a route: the policy by which its answers are kept. */
export const HTTP_CACHE = 'cache:http';

/** What the prefixes of policies begin with; the rest is that of the answers below which they are made of. */
export const HTTP_PREFIX = 'http:';

/** What tags may be made of: the parameters of the path and those of the query that belong to the key, as they were sent. */
export interface KeptRequest {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  /** Of whoever asks, where the scope is `user`. */
  readonly userId: string | undefined;
}

/** How a route's answers are kept. Domains declare it beside their entries, in `<domain>.cache.ts`. */
export interface HttpCachePolicy {
  /** First part of the keys, under which the statistics count; no other route has it. Begins with {@link HTTP_PREFIX}. */
  readonly prefix: `${typeof HTTP_PREFIX}${string}`;
  /** How long an answer is fresh; less where it is made of another cached one that ends earlier. */
  readonly ttlSeconds: number;
  /** Who may be given the same answer: everybody, or only whoever it was made for. */
  readonly scope: 'public' | 'user';
  /**
   * What drops it, as in a cache entry. A function returns undefined where what was sent can be the name of nothing: such a
   * request is not cached, so that nobody makes entries and tags of whatever they type.
   */
  readonly tags: readonly string[] | ((request: KeptRequest) => readonly string[] | undefined);
  /** Parameters of the query that tell one answer from another; a request with any other one is not cached. */
  readonly query?: readonly string[];
  /** How long after it is no longer fresh it is still given out while a new one is computed. Unset: not at all. */
  readonly staleSeconds?: number;
  /**
   * How long clients and proxies may use it without asking whether it is still the same, whatever is written meanwhile;
   * never longer than it is fresh here. Unset: they always ask.
   */
  readonly clientSeconds?: number;
}
