import { Logger } from '@nestjs/common';
import { prefixOf, type CacheEntry } from './cache-entry';
import type { CacheEvents, TimedOperation } from './cache-events';
import type { CacheStatistics } from './cache-statistics';
import type { Envelope } from './envelope';
import type { Acquired, Lease, Leases } from './redis/lease';
import type { RedisGate } from './redis/redis-gate';
import type { Look, SecondTier, Versions } from './redis/second-tier';

/** Redis for whoever looks something up: what it cannot do now it does not do, and never throws. */
export class SharedAnswers {
  private readonly logger = new Logger('Cache');

  constructor(
    private readonly gate: RedisGate,
    private readonly tier: SecondTier,
    private readonly leases: Leases,
    private readonly statistics: CacheStatistics,
    private readonly events: CacheEvents,
  ) {}

  /** @returns undefined while Redis is away */
  look(entry: CacheEntry<unknown>, key: string): Promise<Look | undefined> {
    const counts = this.statistics.of(prefixOf(entry)).redis;
    if (!this.gate.isOpen) {
      counts.errors++;
      return Promise.resolve(undefined);
    }
    const started = performance.now();
    return this.tier.look(key, entry.tags).then(
      (look) => {
        if (look.envelope === undefined) counts.misses++;
        this.tell('read', entry, started);
        return look;
      },
      (error: unknown) => {
        counts.errors++;
        this.tell('read', entry, started);
        this.logger.debug(`Redis did not answer: ${String(error)}`);
        return undefined;
      },
    );
  }

  /** @returns whether something may be kept under the tags now, in memory too: not while one of them is about to change */
  async mayKeep({ tags }: CacheEntry<unknown>): Promise<boolean> {
    try {
      return (await this.tier.versionsSeen(tags)) !== undefined;
    } catch {
      return false; // Redis is away: the gate counts it
    }
  }

  /** @returns the versions seen, with one for each tag; undefined where there can be none now */
  async made(versions: Versions, { tags }: CacheEntry<unknown>): Promise<Versions | undefined> {
    try {
      return await this.tier.made(versions, tags);
    } catch {
      return undefined; // Redis is away, or too full for a version: the gate counts it
    }
  }

  /** @param versions as they were seen; the lease says under which the answer will count */
  async acquire(
    entry: CacheEntry<unknown>,
    key: string,
    token: string,
    versions: Versions,
    known: string | undefined,
  ): Promise<Acquired | 'away'> {
    const made = await this.made(versions, entry);
    if (made === undefined) return 'away';
    try {
      return await this.leases.acquire(key, entry.tags, token, made, known);
    } catch {
      return 'away'; // or too full for a lease: the gate counts it
    }
  }

  /** @returns whether it is kept */
  async fill(entry: CacheEntry<unknown>, lease: Lease, envelope: Envelope, bytes: number): Promise<boolean> {
    const counts = this.statistics.of(prefixOf(entry)).redis;
    const started = performance.now();
    try {
      const isFilled = await lease.fill(envelope, bytes);
      if (isFilled) counts.bytes += bytes;
      return isFilled;
    } catch (error) {
      counts.errors++;
      this.logger.debug(`Redis did not take an answer: ${String(error)}`);
      return false;
    } finally {
      this.tell('write', entry, started);
    }
  }

  private tell(operation: TimedOperation, entry: CacheEntry<unknown>, started: number): void {
    const seconds = (performance.now() - started) / 1000;
    this.events.publish({ kind: 'timed', operation, prefix: prefixOf(entry), seconds });
  }
}

/** A lease that cannot be given back ends by itself. */
export const letGo = (lease: Lease): Promise<void> => lease.release().catch(() => undefined);
