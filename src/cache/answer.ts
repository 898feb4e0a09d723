/**
 * How an answer came about: kept and fresh; kept, no longer fresh and being renewed; computed now; or computed past the
 * cache, which may not or cannot keep it now.
 */
export type Outcome = 'hit' | 'stale' | 'miss' | 'bypass';

/** When an answer was computed, and until when it is fresh, in milliseconds of the wall clock. */
export interface AnswerTimes {
  readonly createdAt: number;
  readonly freshUntil: number;
}

/** A value with what a cache of the next hand needs to know of it. */
export interface CachedAnswer<Value> extends AnswerTimes {
  readonly value: Value;
  readonly outcome: Outcome;
  /** Tells this value from every other one under the key, as an ETag does; undefined where it is not kept. */
  readonly version: string | undefined;
}
