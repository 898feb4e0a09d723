import { randomFillSync } from 'node:crypto';
import type { CacheEntry } from './cache-entry';

/** How long "there is none" is kept when the entry does not say. */
const NULL_TTL_SECONDS = 30;
/** Asking the system for each number would take longer than all the rest. */
const pool = new Uint32Array(1_024);
let used = pool.length;

/** When an answer that is computed now stops being fresh, and when it ends; milliseconds of the wall clock. */
export interface Lifetime {
  readonly createdAt: number;
  readonly freshUntil: number;
  readonly expiresAt: number;
}

/** From 0 to 1, both excluded. */
export function fraction(): number {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  return ((pool[used++] as number) + 1) / (2 ** 32 + 1);
}

/** @param chance from 0 to 1: makes the time up to a tenth shorter or longer, so that answers do not all end at once */
export function lifetimeOf(
  entry: Pick<CacheEntry<unknown>, 'ttlSeconds' | 'staleSeconds' | 'nullTtlSeconds' | 'validUntil'>,
  value: unknown,
  now: number,
  chance: number,
): Lifetime {
  const { ttlSeconds, staleSeconds = 0, nullTtlSeconds = Math.min(ttlSeconds, NULL_TTL_SECONDS) } = entry;
  const seconds = value === null ? nullTtlSeconds : ttlSeconds;
  const validUntil = (value === null ? undefined : entry.validUntil?.(value)) ?? Infinity;
  const until = (end: number) => Math.max(now, Math.min(end, validUntil));
  const freshUntil = until(now + Math.max(1, Math.round(seconds * 1000 * (0.9 + 0.2 * chance))));
  const stale = value === null ? 0 : staleSeconds;
  return { createdAt: now, freshUntil, expiresAt: until(freshUntil + Math.round(stale * 1000)) };
}

/**
 * When a copy is renewed ahead of its end: earlier the longer computing takes, and at a random moment, so that of
 * many processes one does it and the others find it done. Vattani, Chierichetti and Lowenstein, "Optimal
 * probabilistic cache stampede prevention" (2015), drawn once for each copy.
 * @param chance from 0 to 1, both excluded
 */
export function renewalOf(freshUntil: number, loadMs: number, chance: number): number {
  return freshUntil + loadMs * Math.log(chance);
}
