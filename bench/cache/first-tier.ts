import { createCache } from 'cache-manager';
import { Keyv } from 'keyv';
import { bentoInMemory } from './bentocache';
import type { Finding } from '../finding';
import { listing } from './listing';
import { ourCache, pageEntry, TTL_SECONDS } from './our-cache';
import { inTurns, oneByOne } from './rate';

const PREFIX = 'bench:offers';
const PAGES = 100;
const TTL_MS = TTL_SECONDS * 1_000;

/** Hits in memory, one caller, a hundred keys in turn; each library is asked as its documentation asks it. */
export async function measureFirstTier(rounds: number): Promise<Finding> {
  const ours = await ourCache({});
  const bento = bentoInMemory();
  const byReference = createCache();
  const serialising = createCache({ stores: [serialisingKeyv()] });
  const load = () => Promise.resolve(listing());
  const pages = Array.from({ length: PAGES }, (_, page) => String(page));
  const pageOf = (turn: number): string => pages[turn % PAGES] as string;
  const ask = {
    ours: (turn: number) => ours.getOrCompute(pageEntry(PREFIX, pageOf(turn)), load),
    bentocache: (turn: number) =>
      bento.getOrSet({ key: `${PREFIX}:${pageOf(turn)}`, ttl: TTL_MS, factory: load }),
    'cache-manager': (turn: number) => byReference.wrap(`${PREFIX}:${pageOf(turn)}`, load, TTL_MS),
    'cache-manager, serialising': (turn: number) =>
      serialising.wrap(`${PREFIX}:${pageOf(turn)}`, load, TTL_MS),
  };
  try {
    for (const call of Object.values(ask)) await oneByOne(PAGES, call);
    const turns = await inTurns(
      {
        ours: { calls: 20_000, run: (calls) => oneByOne(calls, ask.ours) },
        bentocache: { calls: 2_000, run: (calls) => oneByOne(calls, ask.bentocache) },
        'cache-manager': { calls: 4_000, run: (calls) => oneByOne(calls, ask['cache-manager']) },
        'cache-manager, serialising': {
          calls: 200,
          run: (calls) => oneByOne(calls, ask['cache-manager, serialising']),
        },
      },
      rounds,
    );
    return {
      name: 'memory',
      title: 'A hit in memory',
      unit: 'a second',
      sides: turns.sides(),
      comparisons: [
        turns.compare('ours', 'bentocache', { atLeast: 10 }),
        turns.compare('ours', 'cache-manager', { atLeast: 3 }),
        turns.compare('ours', 'cache-manager, serialising', { atLeast: 100 }),
      ],
    };
  } finally {
    await bento.disconnectAll();
    await byReference.disconnect();
    await serialising.disconnect();
    await ours.onApplicationShutdown();
  }
}

/** A map of texts: what is kept is serialised, as in any store outside of the process. */
function serialisingKeyv(): Keyv {
  return new Keyv({ store: new Map<string, unknown>(), serialize: JSON.stringify, deserialize: JSON.parse });
}
