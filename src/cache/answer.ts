/**
 * How an answer came about: kept and fresh; kept, no longer fresh and being renewed; computed now; or computed past the
 * cache, which may not or cannot keep it now.
 */
export type Outcome = 'hit' | 'stale' | 'miss' | 'bypass';

/** A value with what a cache of the next hand needs to know of it. Times are milliseconds of the wall clock. */
export interface CachedAnswer<Value> {
  readonly value: Value;
  readonly outcome: Outcome;
  /** Tells this value from every other one under the key, as an ETag does; undefined where it is not kept. */
  readonly version: string | undefined;
  readonly createdAt: number;
  readonly freshUntil: number;
}
