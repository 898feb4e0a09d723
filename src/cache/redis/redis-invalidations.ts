import type { Invalidation } from '../invalidation-bus';
import type { RedisBus } from './redis-bus';
import type { Asker, RedisGate } from './redis-gate';
import type { SecondTier } from './second-tier';
import { newVersion, type TagVersions } from './tag-versions';

/** So many scripts and messages are through long before the deadline of one command, which they have together. */
const PORTION = 100;

interface Portion {
  readonly tags: readonly string[];
  readonly keys: readonly string[];
}

/** Invalidates in Redis, then tells the other processes. */
export class RedisInvalidations {
  constructor(
    private readonly gate: RedisGate,
    private readonly tier: SecondTier,
    private readonly versions: TagVersions,
    private readonly bus: RedisBus,
  ) {}

  /** Keeps everybody from giving out or keeping anything under the tags until the holder renews them. */
  async hold(tags: readonly string[], holder: string): Promise<void> {
    for (const portion of portionsOf({ tags }))
      await this.inOrder(this.versions.hold(portion.tags, holder), () => this.bus.publish(portion));
  }

  /**
   * @param holder of the tags, where they are on hold
   * @param done is told of each portion that is delivered: what comes after one that fails is not
   * @returns how many answers the patterns reached in Redis
   */
  async deliver(
    { tags = [], keys = [], patterns = [], all }: Invalidation,
    holder: string = newVersion(),
    asker: Asker = this.gate,
    done: (portion: Invalidation) => void = () => undefined,
  ): Promise<number> {
    for (const portion of portionsOf({ tags, keys })) {
      await this.inOrder(this.drop(portion, holder, asker), () => this.bus.publish(portion, asker));
      done(portion);
    }
    let deleted = 0;
    for (const pattern of patterns) {
      deleted += await this.tier.deleteMatching(pattern, asker);
      await this.bus.publish({ patterns: [pattern] }, asker);
      done({ patterns: [pattern] });
    }
    if (all) await this.bus.publish({ all }, asker);
    return deleted;
  }

  private async drop({ tags, keys }: Portion, holder: string, asker: Asker): Promise<void> {
    const steps: Promise<unknown>[] = keys.map((key) => this.tier.delete(key, asker));
    if (tags.length > 0) steps.push(this.versions.renew(tags, holder, asker));
    await Promise.all(steps);
  }

  /**
   * Tells the others behind the steps. On one connection Redis takes one after the other; in a cluster they go different
   * ways. Where it had forgotten a script, which then came last, the others are told once more.
   */
  private async inOrder(steps: Promise<unknown>, tell: () => Promise<void>): Promise<void> {
    const { connection } = this.gate;
    if (connection.isCluster) await steps;
    const forgotten = connection.forgottenScripts;
    await Promise.all([steps, tell()]);
    if (connection.forgottenScripts !== forgotten) await tell();
  }
}

function* portionsOf({ tags = [], keys = [] }: Partial<Portion>): Generator<Portion> {
  for (let start = 0; start < tags.length + keys.length; start += PORTION) {
    const end = start + PORTION;
    yield {
      tags: tags.slice(start, end),
      keys: keys.slice(Math.max(0, start - tags.length), Math.max(0, end - tags.length)),
    };
  }
}
