import { keyOf, type CacheEntry } from '../src/cache/cache-entry';
import type { SharedParts } from '../src/cache/cache-parts';
import { leaseKey, tagKey } from '../src/cache/redis/redis-keys';
import { newId } from '../src/common/id';
import {
  closeCaches,
  connectedCache,
  makeCache,
  slowLoad,
  someEntry,
  until,
  type LabCache,
  type SlowLoad,
} from './support/cache-lab';
import { freePort } from './support/free-port';

const url = process.env['TEST_REDIS_URL'] as string;

afterEach(closeCaches);

/** Asks until it renews the answer itself: where the other one was quicker once more, it has that one's for a while. */
async function renews({ cache }: LabCache, entry: CacheEntry<number>, slow: SlowLoad<number>): Promise<void> {
  let hasBegun = false;
  void slow.begun.then(() => (hasBegun = true));
  await until(async () => {
    await cache.answer(entry, slow.load);
    return hasBegun;
  }, 'a renewal');
}

/** Asks until a renewal of its own is under way, which finds that somebody else has the lease. */
async function triesToRenew(
  { cache, parts }: LabCache,
  entry: CacheEntry<number>,
  load: () => Promise<number>,
): Promise<{ isRenewing: () => boolean; answers: Set<number> }> {
  const isRenewing = () => parts.flights.joinable(keyOf(entry)) !== undefined;
  const answers = new Set<number>();
  await until(async () => {
    answers.add(await cache.getOrCompute(entry, load));
    return isRenewing();
  }, 'a renewal by the other process');
  return { isRenewing, answers };
}

/**
 * What a process sees while another one renews an answer from 1 to 2. Who stands still for seconds loses the lease, and
 * the other one is right to compute: then they do it once more.
 */
async function besideARenewal<Seen>(
  look: (other: LabCache, entry: CacheEntry<number>) => Promise<Seen>,
): Promise<{ seen: Seen; one: LabCache; entry: CacheEntry<number> }> {
  const [one, other] = [await connectedCache({ url }), await connectedCache({ url })];
  for (;;) {
    const entry = someEntry<number>({ ttlSeconds: 0.05, staleSeconds: 60 });
    for (const { cache } of [one, other]) await cache.getOrCompute(entry, () => Promise.resolve(1));
    const slow = slowLoad<number>();
    await renews(one, entry, slow);
    const holder = await holderOf(one, entry);
    const seen = await look(other, entry);
    const isHeld = holder !== null && (await holderOf(one, entry)) === holder;
    slow.end(2);
    if (isHeld) return { seen, one, entry };
  }
}

/** Which load may fill the answer. */
function holderOf({ parts }: LabCache, entry: CacheEntry<number>): Promise<unknown> {
  const key = leaseKey(keyOf(entry));
  return (parts.shared as SharedParts).gate.connection.send(key, ['GET', key]);
}

describe('an answer that takes long to renew', () => {
  it('is computed by one process, and waited for by nobody else', async () => {
    const { seen, one, entry } = await besideARenewal(async (other, renewed) => {
      let inVain = 0;
      const { isRenewing, answers } = await triesToRenew(other, renewed, () => Promise.resolve(++inVain));
      await until(() => !isRenewing(), 'its end');
      return { inVain, answers };
    });
    expect(seen).toEqual({ inVain: 0, answers: new Set([1]) });
    await until(async () => (await one.cache.get(entry)) === 2, 'the new answer');
  });

  it('is computed by another process too where somebody waits for it', async () => {
    const { seen } = await besideARenewal(async (other, entry) => {
      const load = () => Promise.resolve(3);
      await triesToRenew(other, entry, load);
      other.parts.first.clear(); // it had to make room
      return other.cache.answer(entry, load);
    });
    expect(seen).toMatchObject({ outcome: 'bypass', value: 3 });
  });
});

describe('an answer that cannot be kept now', () => {
  it('cannot be changed either by whoever gets it', async () => {
    const lab = makeCache({ url: `redis://127.0.0.1:${await freePort()}` });
    const answers = [
      await lab.cache.answer(someEntry<number[]>(), () => Promise.resolve([1])),
      await lab.cache.answer(someEntry<number[]>({ sharedOnly: true }), () => Promise.resolve([1])),
      await lab.cache.answer(someEntry<number[]>({ localOnly: true }), () => Promise.resolve([1])),
    ];
    for (const { outcome, value } of answers) {
      expect(outcome).toBe('bypass');
      expect(() => value.push(2)).toThrow(TypeError);
    }
  });
});

describe('a load that comes to nothing', () => {
  const entry = () => someEntry<unknown>({ tags: [] });
  it.each([
    ['the load fails', entry(), () => Promise.reject(new Error('no'))],
    ['the value is no JSON', entry(), () => Promise.resolve(1n)],
    [
      'nobody can say how long it counts',
      {
        ...entry(),
        validUntil: () => {
          throw new Error('no');
        },
      },
      () => Promise.resolve(1),
    ],
  ])('keeps nobody waiting for it: %s', async (_how, failing, load) => {
    const [one, other] = [await connectedCache({ url }), await connectedCache({ url })];
    await Promise.allSettled([one.cache.answer(failing, load)]);
    const { key, ttlSeconds, tags } = failing;
    const answer = await other.cache.answer({ key, ttlSeconds, tags }, () => Promise.resolve(2));
    expect(answer).toMatchObject({ outcome: 'miss', value: 2 });
  });
});

describe('what is kept in memory alone, beside Redis', () => {
  it('is not looked for in Redis, and not counted there', async () => {
    const { cache, parts } = await connectedCache({ url });
    const prefix = newId();
    const entry = (tags: string[]) => someEntry({ key: [prefix, newId()], tags, localOnly: true });
    const kept = entry([newId(), newId()]);
    expect(await cache.answer(kept, () => Promise.resolve(1))).toMatchObject({ outcome: 'miss' });
    expect(await cache.answer(kept, () => Promise.resolve(2))).toMatchObject({ outcome: 'hit', value: 1 });
    const held = entry([newId()]);
    await parts.shared?.invalidations.hold(held.tags, 'somebody');
    expect(await cache.answer(held, () => Promise.resolve(1))).toMatchObject({ outcome: 'bypass' });
    const counts = cache.statistics.of(prefix);
    expect(counts.redis).toEqual({ hits: 0, misses: 0, stale: 0, errors: 0, evictions: 0, bytes: 0 });
    expect(counts.memory).toMatchObject({ hits: 1, misses: 2 });
    expect(cache.statistics.hitRate()).toMatchObject({ hits: 1, misses: 2 });
  });

  it('gives no tag a version by looking for it', async () => {
    const { cache, parts } = await connectedCache({ url });
    const entry = someEntry({ localOnly: true });
    await cache.getOrCompute(entry, () => Promise.resolve(1));
    const { connection } = (parts.shared as SharedParts).gate;
    const tag = tagKey(entry.tags[0] as string);
    expect(await connection.send(tag, ['EXISTS', tag])).toBe(0);
  });
});

describe('what comes from Redis', () => {
  const never = () => Promise.reject(new Error('it is in Redis'));
  const inRedis = async () => {
    const entry = someEntry<{ list: number[] }>();
    await (await connectedCache({ url })).cache.set(entry, { list: [1] });
    return entry;
  };

  it('is frozen where this process keeps it', async () => {
    const entry = await inRedis();
    const { cache } = await connectedCache({ url });
    const answer = await cache.getOrCompute(entry, never);
    expect(Object.isFrozen(answer.list)).toBe(true);
  });

  it('is frozen where several wait for it', async () => {
    const entry = await inRedis();
    const { cache } = await connectedCache({ url, firstTierBytes: 0 });
    const [one, other] = await Promise.all([1, 2].map(() => cache.getOrCompute(entry, never)));
    expect(one).toBe(other);
    expect(Object.isFrozen(one?.list)).toBe(true);
  });

  it('is of one asker alone where it is neither kept nor waited for by others', async () => {
    const entry = await inRedis();
    const { cache } = await connectedCache({ url, firstTierBytes: 0 });
    for (let time = 0; time < 2; time++) {
      const answer = await cache.getOrCompute(entry, never);
      expect(answer).toEqual({ list: [1] });
      answer.list.push(2); // nobody else sees that
    }
  });
});
