import { prefixOf, type CacheEntry } from './cache-entry';
import type { CacheParts } from './cache-parts';
import { Search } from './in-flight';
import type { Lifetime } from './lifetime';
import type { Versions } from './redis/second-tier';
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
    const { first, flights, keeper, bus, shared } = this.parts;
    const { entry, key } = write;
    const bytes = keeper.weigh(prefixOf(entry), write.value);
    if (bytes === undefined) return this.giveUp(key);
    flights.doomKey(key);
    const search = new Search(key, first.tags.statesOf(entry.tags));
    flights.add(search);
    try {
      const versions = await this.versionsFor(entry);
      if (versions === undefined) return await this.giveUp(key);
      const envelope = {
        key,
        version: newVersion(),
        ...write.lifetime,
        loadMs: 0,
        namespace: versions.namespace,
        tagVersions: versions.tags,
        value: write.value,
      };
      const stored = shared?.tier.set(envelope, bytes);
      if (shared?.gate.connection.isCluster) await stored;
      await Promise.all([stored, bus.publish({ keys: [key] })]);
      const isCurrent = !search.isDoomed;
      flights.doomKey(key);
      first.delete(key);
      if (isCurrent) keeper.keep(entry, new Search(key, search.states), envelope, bytes);
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

  /** @returns undefined while a tag is about to change */
  private versionsFor(entry: CacheEntry<unknown>): Promise<Versions | undefined> | Versions {
    const { shared } = this.parts;
    if (shared === undefined) return { namespace: '', tags: [] };
    if (entry.tags.length > 0) return shared.tier.versionsOf(entry.tags);
    const known = shared.gate.namespaceVersion;
    if (known !== undefined) return { namespace: known, tags: [] };
    return shared.tier.versionsOf([]);
  }
}
