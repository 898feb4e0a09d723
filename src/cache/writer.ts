import { prefixOf, type CacheEntry } from './cache-entry';
import type { CacheParts, SharedParts } from './cache-parts';
import type { Envelope } from './envelope';
import { Search } from './in-flight';
import type { Lifetime } from './lifetime';
import { counts, type Versions } from './redis/second-tier';
import { newVersion } from './redis/tag-versions';

/** What to keep, under what, and for how long. */
export interface Write {
  readonly entry: CacheEntry<unknown>;
  readonly key: string;
  readonly value: unknown;
  readonly lifetime: Lifetime;
}

type Parts = Pick<CacheParts, 'first' | 'flights' | 'keeper' | 'invalidations' | 'shared' | 'bus'>;

/** Keeps answers that somebody has at hand, in all tiers, and drops the older ones from other processes' memory. */
export class Writer {
  constructor(private readonly parts: Parts) {}

  /**
   * @returns whether it is kept; where it is not, what was there before is dropped: it is older than this
   */
  async write(write: Write): Promise<boolean> {
    const { first, flights, keeper } = this.parts;
    const { entry, key } = write;
    const bytes = keeper.weigh(prefixOf(entry), write.value);
    if (bytes === undefined) return this.giveUp(key);
    flights.doomKey(key);
    const search = new Search(key, first.tags.statesOf(entry.tags));
    flights.add(search);
    try {
      const envelope = await this.store(write, bytes);
      if (envelope === undefined) return await this.giveUp(key);
      flights.remove(search); // it is at its end: others are doomed by it
      flights.doomKey(key);
      first.delete(key);
      keeper.keep(entry, search, envelope, bytes);
      return true;
    } catch {
      return await this.giveUp(key);
    } finally {
      flights.remove(search);
    }
  }

  /** What is there is dropped, and where that cannot be said now it stays owed. */
  private async giveUp(key: string): Promise<false> {
    await this.parts.invalidations.now({ keys: [key] });
    return false;
  }

  /**
   * Writes it to Redis and tells the others. It is written under the versions that were seen last while they are asked
   * for: where they are others by now, what was written counts for nothing, and it is written again.
   * @returns undefined while a tag is about to change
   */
  private async store(write: Write, bytes: number): Promise<Envelope | undefined> {
    const { bus, shared } = this.parts;
    const { tags } = write.entry;
    if (shared === undefined) {
      await bus.publish({ keys: [write.key] });
      return envelopeOf(write, { namespace: '', tags: [] });
    }
    const guessed = shared.tier.lastVersionsOf(tags);
    const early = guessed && envelopeOf(write, guessed);
    const putting = early && this.put(shared, early, bytes);
    // The namespace is asked for with every look-up.
    if (early !== undefined && tags.length === 0) return putting?.then(() => early);
    const [versions] = await Promise.all([shared.tier.versionsOf(tags), putting]);
    if (versions === undefined) return undefined;
    if (early !== undefined && counts(early, versions)) return early;
    shared.tier.remember(tags, versions);
    const envelope = envelopeOf(write, versions);
    await this.put(shared, envelope, bytes);
    return envelope;
  }

  /** What others look for when they hear of it has to be there: the message goes behind it. */
  private put(shared: SharedParts, envelope: Envelope, bytes: number): Promise<unknown> {
    const packing = shared.tier.pack(envelope, bytes);
    if (packing instanceof Promise || shared.gate.connection.isCluster)
      return this.putInTurn(shared, envelope, packing);
    // On one connection Redis takes one after the other.
    return Promise.all([shared.tier.set(envelope, packing), this.tell(envelope)]);
  }

  private async putInTurn({ tier }: SharedParts, envelope: Envelope, packing: unknown): Promise<void> {
    await tier.set(envelope, await packing);
    await this.tell(envelope);
  }

  private tell({ key }: Envelope): Promise<void> {
    return this.parts.bus.publish({ keys: [key] });
  }
}

function envelopeOf({ key, value, lifetime }: Write, { namespace, tags }: Versions): Envelope {
  const { createdAt, freshUntil, expiresAt } = lifetime;
  return {
    key,
    version: newVersion(),
    createdAt,
    freshUntil,
    expiresAt,
    loadMs: 0,
    namespace,
    tagVersions: tags,
    value,
  };
}
