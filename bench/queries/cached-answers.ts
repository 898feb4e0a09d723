import type { CacheEntry } from '../../src/cache/cache-entry';
import { ExplainedError } from '../../src/database/explained-error';
import type { Side } from '../measure';
import type { CacheTier } from './cache-tiers';

/** Longer than a measurement takes. */
const TTL_SECONDS = 900;

/**
 * Keeps answers by the application's own cache, under keys that it has for nothing else.
 * @returns what gets them back one after the other
 * @throws ExplainedError when the cache does not keep them
 */
export async function cachedAnswers(
  { tier, cache }: CacheTier,
  query: string,
  answers: readonly (readonly unknown[])[],
): Promise<Side> {
  const tag = `bench:${query}`;
  const entryOf = (number: number): CacheEntry<readonly unknown[]> => ({
    key: [tag, String(number)],
    ttlSeconds: TTL_SECONDS,
    tags: [tag],
  });
  let loads = 0;
  const side: Side = (turn) => {
    const number = turn % answers.length;
    return cache.getOrCompute(entryOf(number), () => {
      loads++;
      return Promise.resolve(answers[number] ?? []);
    });
  };
  await cache.invalidate([tag]);
  for (let number = 0; number < answers.length; number++) await side(number);
  loads = 0;
  for (let number = 0; number < answers.length; number++) await side(number);
  if (loads > 0)
    throw new ExplainedError(
      `The cache (${tier}) gave back only ${answers.length - loads} of ${answers.length} answers: let it have more memory, or nobody else work in it`,
    );
  return side;
}
