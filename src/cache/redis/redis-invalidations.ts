import type { Invalidation } from '../invalidation-bus';
import type { RedisBus } from './redis-bus';
import type { Asker, RedisGate } from './redis-gate';
import type { SecondTier } from './second-tier';
import { newVersion, type TagVersions } from './tag-versions';

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
    await this.inOrder(this.versions.hold(tags, holder), () => this.bus.publish({ tags }));
  }

  /**
   * @param holder of the tags, where they are on hold
   * @returns how many answers the patterns reached in Redis
   */
  async deliver(
    { tags = [], keys = [], patterns = [], all }: Invalidation,
    holder: string = newVersion(),
    asker: Asker = this.gate,
  ): Promise<number> {
    const steps: Promise<unknown>[] = keys.map((key) => this.tier.delete(key, asker));
    if (tags.length > 0) steps.push(this.versions.renew(tags, holder, asker));
    const done = Promise.all(steps);
    done.catch(() => undefined); // it is awaited below: what fails earlier must not go unheard until then
    if (this.gate.connection.isCluster) await done;
    let deleted = 0;
    for (const pattern of patterns) deleted += await this.tier.deleteMatching(pattern, asker);
    await this.inOrder(done, () => this.bus.publish({ tags, keys, patterns, ...(all && { all }) }, asker));
    return deleted;
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
