import { bareClient } from './bare-client';
import { bentoOnRedis } from './bentocache';
import type { Finding } from '../finding';
import { listing, type Listing } from './listing';
import { ourCache, pageEntry, TTL_SECONDS } from './our-cache';
import { atOnce, inTurns } from './rate';

const PREFIX = 'bench:second';
export const CALLERS = 32;
const PAGES = 512;
/** Of a short turn: the sides meet the same moments of the machine. */
const CALLS = 512;
const TURNS_PER_ROUND = 6;
const TTL_MS = TTL_SECONDS * 1_000;

/**
 * Hits in Redis, by 32 callers that ask for different keys, so that nobody shares an answer. Ours carries a tag, whose
 * version is looked up too; bentocache, which asks once more for each tag, carries none.
 */
export async function measureSecondTier(redisUrl: string, rounds: number): Promise<Finding> {
  const ours = await ourCache({ redisUrl, firstTierBytes: 0 });
  const client = await bareClient(redisUrl);
  const bento = bentoOnRedis(client);
  let loads = 0;
  const load = () => {
    loads++;
    return Promise.resolve(listing());
  };
  const pageOf = (turn: number): string => String(turn % PAGES);
  const bareKey = (turn: number): string => `${PREFIX}:bare:${pageOf(turn)}`;
  const ask = {
    'bare client': async (turn: number) => JSON.parse((await client.get(bareKey(turn))) ?? '') as Listing,
    ours: (turn: number) => ours.getOrCompute(pageEntry(PREFIX, pageOf(turn)), load),
    bentocache: (turn: number) =>
      bento.getOrSet({ key: `${PREFIX}:${pageOf(turn)}`, ttl: TTL_MS, factory: load }),
  };
  const work = (call: (turn: number) => Promise<unknown>) => ({
    calls: CALLS,
    run: (calls: number) => atOnce(CALLERS, calls, call),
  });
  try {
    const text = JSON.stringify(listing());
    for (let page = 0; page < PAGES; page++) await client.set(bareKey(page), text, { PX: TTL_MS });
    for (const call of [ask.ours, ask.bentocache]) await atOnce(CALLERS, PAGES, call);
    loads = 0;
    const turns = await inTurns(
      { 'bare client': work(ask['bare client']), ours: work(ask.ours), bentocache: work(ask.bentocache) },
      TURNS_PER_ROUND * rounds,
    );
    return {
      name: 'redis',
      title: 'A hit in Redis',
      unit: 'a second',
      sides: turns.sides(),
      comparisons: [
        turns.compare('ours', 'bare client', { atLeast: 0.75 }),
        turns.compare('ours', 'bentocache', { atLeast: 1 }),
      ],
      missed: loads === 0 ? [] : [`${loads} answers were computed that should have come from Redis`],
    };
  } finally {
    await ours.invalidate([PREFIX]);
    await ours.onApplicationShutdown();
    await bento.disconnectAll();
    await client.quit();
  }
}
