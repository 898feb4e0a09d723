import { keyOf, type CacheEntry } from '../src/cache/cache-entry';
import type { Invalidation } from '../src/cache/invalidation-bus';
import { newId } from '../src/common/id';
import { closeCaches, connectedCache, someEntry, until, type LabCache } from './support/cache-lab';

const url = process.env['TEST_REDIS_URL'] as string;
const ROUNDS = 500;

interface Large {
  readonly round: number;
  readonly text: string;
}

/** Of another size in each round, so that each takes another time to be compressed. */
const large = (round: number): Large => ({ round, text: newId().repeat(1 + (round % 50) * 40) });

afterEach(closeCaches);

/** What a process finds in Redis at the very moment at which it hears of a key. */
class Ears {
  private readonly found: Promise<Large | undefined>[] = [];
  private marked: (() => void) | undefined;
  private isWhole = true;

  constructor(
    private readonly lab: LabCache,
    entry: CacheEntry<Large>,
    private readonly marker: string,
  ) {
    const { invalidations } = lab.parts;
    const heard = invalidations.heard.bind(invalidations);
    const lost = invalidations.lost.bind(invalidations);
    jest.spyOn(invalidations, 'lost').mockImplementation(() => {
      lost();
      this.isWhole = false;
      this.marked?.();
    });
    jest.spyOn(invalidations, 'heard').mockImplementation((message: Invalidation) => {
      heard(message);
      // Tests beside this one send messages of their own.
      if (message.keys?.includes(marker)) this.marked?.();
      if (message.keys?.includes(keyOf(entry))) this.found.push(lab.cache.get(entry));
    });
  }

  /**
   * Of all messages that the other one sent since the last time: they arrive in their order.
   * @returns undefined where it had to listen anew meanwhile, on a machine that stood still for a second: some were lost
   */
  async foundSince(other: LabCache): Promise<(Large | undefined)[] | undefined> {
    const arrived = new Promise<void>((resolve) => (this.marked = resolve));
    await other.parts.bus.publish({ keys: [this.marker] });
    if (this.isWhole) await arrived;
    const found = await Promise.all(this.found.splice(0));
    if (this.isWhole) return found;
    await until(() => this.lab.cache.isAnswering(), 'listening again');
    this.isWhole = true;
    return undefined;
  }
}

describe.each([
  ['with tags', [newId(), newId()]],
  ['without tags', []],
])('a large value that is set, %s', (_, tags) => {
  it.each([
    ['compressed', 0],
    ['as it is', 1024 ** 2],
  ])('is there when others hear of it, %s', async (_how, compressAboveBytes) => {
    const options = { url, compressAboveBytes };
    const writer = await connectedCache(options);
    // It keeps nothing in memory: what it finds is what Redis has.
    const reader = await connectedCache({ ...options, firstTierBytes: 0 });
    const entry = someEntry<Large>({ tags });
    const ears = new Ears(reader, entry, newId());
    let heardRounds = 0;
    for (let round = 0; round < ROUNDS; round++) {
      // Without waiting for the message: it is written under the old versions first, and then again.
      if (round % 3 === 0) await reader.cache.invalidate(tags);
      expect(await writer.cache.set(entry, large(round))).toBe(true);
      const found = await ears.foundSince(writer);
      if (found === undefined) continue;
      heardRounds++;
      expect(found.length).toBeGreaterThan(0);
      for (const seen of found) expect([round, undefined]).toContain(seen?.round);
      expect(found.at(-1)?.round).toBe(round);
    }
    expect(heardRounds).toBeGreaterThan(ROUNDS / 2);
  });
});

it('a large value of letters beyond ASCII is read where it was kept', async () => {
  const options = { url, maxValueBytes: 100_000, firstTierBytes: 0 };
  const [one, other] = [await connectedCache(options), await connectedCache(options)];
  const entry = someEntry<string>();
  const text = 'ก'.repeat(90_000);
  await one.cache.getOrCompute(entry, () => Promise.resolve(text));
  const answer = await other.cache.answer(entry, () => Promise.resolve('computed again'));
  expect(answer).toMatchObject({ outcome: 'hit', value: text });
});
