import { bareClient } from './bare-client';
import { bentoTiered } from './bentocache';
import type { Finding } from '../finding';
import { listing } from './listing';
import { ourCache, pageEntry, TTL_SECONDS } from './our-cache';
import { atOnce, inTurns } from './rate';
import { CALLERS } from './second-tier';

const PREFIX = 'bench:writes';
const CHANNEL = 'bench:messages';
const PAGES = 512;
/** Of a short turn: the sides meet the same moments of the machine. */
const CALLS = 512;
/** Half of all turns lie a sixth apart from each other: of 300 the median stays within a hundredth, of 90 it did not. */
const TURNS_PER_ROUND = 20;
const TTL_MS = TTL_SECONDS * 1_000;

/**
 * Setting an answer in both tiers and telling the other processes, by 32 callers. The bare client sends both commands
 * at once, and nobody in its process listens; the caches listen to the others, and hear themselves too. Ours carries a
 * tag, whose version it asks for; bentocache carries none.
 */
export async function measureWrites(redisUrl: string, rounds: number): Promise<Finding> {
  const ours = await ourCache({ redisUrl });
  const [client, subscriber] = [await bareClient(redisUrl), await bareClient(redisUrl)];
  const bento = bentoTiered(client, subscriber);
  const value = listing();
  const pageOf = (turn: number): string => String(turn % PAGES);
  const ask = {
    'SET and PUBLISH': (turn: number) => {
      const key = `${PREFIX}:bare:${pageOf(turn)}`;
      const set = client.set(key, JSON.stringify(value), { PX: TTL_MS });
      return Promise.all([set, client.publish(CHANNEL, JSON.stringify({ keys: [key] }))]);
    },
    ours: (turn: number) => ours.set(pageEntry(PREFIX, pageOf(turn)), value),
    bentocache: (turn: number) => bento.set({ key: `${PREFIX}:${pageOf(turn)}`, value, ttl: TTL_MS }),
  };
  const work = (call: (turn: number) => Promise<unknown>) => ({
    calls: CALLS,
    run: (calls: number) => atOnce(CALLERS, calls, call),
  });
  try {
    const turns = await inTurns(
      {
        'SET and PUBLISH': work(ask['SET and PUBLISH']),
        ours: work(ask.ours),
        bentocache: work(ask.bentocache),
      },
      TURNS_PER_ROUND * rounds,
    );
    return {
      name: 'writes',
      title: 'Setting in both tiers, with its message',
      unit: 'a second',
      sides: turns.sides(),
      comparisons: [
        turns.compare('ours', 'SET and PUBLISH', { atLeast: 0.75 }),
        turns.compare('ours', 'bentocache', { atLeast: 1 }),
      ],
    };
  } finally {
    await ours.invalidate([PREFIX]);
    await ours.onApplicationShutdown();
    await bento.disconnectAll();
    await Promise.all([client.quit(), subscriber.quit()]);
  }
}
