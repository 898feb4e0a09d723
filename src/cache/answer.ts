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

/** What is known of an object that the cache gave out, by the object itself. */
export interface KnownAnswer extends AnswerTimes {
  /** Tells it from every other one under its key, in every process, as an ETag does; undefined where it is not kept. */
  readonly version: string | undefined;
}

/** A value with what a cache of the next hand needs to know of it. */
export interface CachedAnswer<Value> extends KnownAnswer {
  readonly value: Value;
  readonly outcome: Outcome;
}
