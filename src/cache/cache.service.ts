import { Inject, Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import type { Transaction } from '../database/transaction';
import { newId } from '../common/id';
import { CacheEvents, type CacheResult } from './cache-events';
import { CACHE_STORE, type CacheStore } from './cache-store';
import { keyOf, prefixOf, type CacheEntry } from './cache-entry';

/** Longer than any entry lives: a tag that is forgotten outlived everything it stood for. */
const TAG_TTL_SECONDS = 2 * 86_400;

interface Kept {
  /** Versions of the entry's tags when its load began. */
  readonly versions: readonly string[];
  readonly value: unknown;
}

/**
 * Answers that are expensive to compute, and never stale after a write.
 *
 * Each tag has a version; an entry keeps the versions its load began with and counts only while they are
 * current. To invalidate is to give a tag a new version: one step however many answers it drops, and a load
 * that began before it never fills the cache, in this process or another one.
 */
@Injectable()
export class CacheService implements OnApplicationShutdown {
  private readonly logger = new Logger(CacheService.name);
  private readonly loading = new Map<string, Promise<unknown>>();
  /** Tags whose invalidation the store did not take: nothing under them is read until it does. */
  private readonly owed = new Set<string>();

  constructor(
    @Inject(CACHE_STORE) private readonly store: CacheStore,
    private readonly events: CacheEvents,
  ) {}

  /**
   * The kept answer, or `load`'s, which is then kept. Concurrent misses of this process share one load and
   * its error. When the store fails the answer comes from `load`: the cache is never in the way.
   */
  async getOrCompute<Value>(entry: CacheEntry<Value>, load: () => Promise<Value>): Promise<Value> {
    const key = keyOf(entry);
    const found = await this.read(entry, key);
    if (found.hit) {
      this.count(entry, 'hit');
      return found.value as Value;
    }
    this.count(entry, found.versions === undefined ? 'error' : 'miss');
    if (found.versions === undefined) return load();
    return this.loadOnce(entry, key, found.versions, load);
  }

  /** Drops everything that carries one of the tags, once the transaction is committed. */
  invalidateAfterCommit(tx: Transaction, tags: readonly string[]): void {
    tx.afterCommit(() => this.invalidate(tags));
  }

  /** Drops everything that carries one of the tags, now. Inside a transaction use invalidateAfterCommit. */
  async invalidate(tags: readonly string[]): Promise<void> {
    for (const tag of tags) this.owed.add(tag);
    await this.settle();
  }

  /** After the last request: what it changed still has to be dropped for other processes. */
  async onApplicationShutdown(): Promise<void> {
    await this.store.close();
  }

  private async read<Value>(
    entry: CacheEntry<Value>,
    key: string,
  ): Promise<{ hit: true; value: unknown } | { hit: false; versions: readonly string[] | undefined }> {
    try {
      if (this.owed.size > 0 && !(await this.settle())) return { hit: false, versions: undefined };
      const [text, ...versions] = await this.store.getMany([key, ...entry.tags.map(tagKey)]);
      const current = await this.complete(entry.tags, versions);
      if (text !== undefined) {
        const kept = JSON.parse(text) as Kept;
        if (sameVersions(kept.versions, current)) return { hit: true, value: kept.value };
      }
      return { hit: false, versions: current };
    } catch (error) {
      this.complain(error);
      return { hit: false, versions: undefined };
    }
  }

  /** A tag without a version gets one: an entry that was kept under a forgotten version never counts again. */
  private complete(tags: readonly string[], versions: readonly (string | undefined)[]): Promise<string[]> {
    return Promise.all(
      tags.map(async (tag, index) => {
        return versions[index] ?? (await this.store.setIfAbsent(tagKey(tag), newId(), TAG_TTL_SECONDS));
      }),
    );
  }

  private loadOnce<Value>(
    entry: CacheEntry<Value>,
    key: string,
    versions: readonly string[],
    load: () => Promise<Value>,
  ): Promise<Value> {
    // Versions belong to the identity of a load: whoever asks after an invalidation never joins an older one.
    const identity = `${key} ${versions.join(' ')}`;
    const running = this.loading.get(identity) as Promise<Value> | undefined;
    if (running !== undefined) return running;
    const loaded = load()
      .then(async (value) => {
        await this.keep(entry, key, versions, value);
        return value;
      })
      .finally(() => this.loading.delete(identity));
    this.loading.set(identity, loaded);
    return loaded;
  }

  private async keep(
    entry: CacheEntry<unknown>,
    key: string,
    versions: readonly string[],
    value: unknown,
  ): Promise<void> {
    try {
      const kept: Kept = { versions, value };
      await this.store.set(key, JSON.stringify(kept), entry.ttlSeconds);
    } catch (error) {
      this.complain(error);
    }
  }

  /** Gives every owed tag a new version. @returns false while the store does not take it */
  private async settle(): Promise<boolean> {
    try {
      for (const tag of [...this.owed]) {
        await this.store.set(tagKey(tag), newId(), TAG_TTL_SECONDS);
        this.owed.delete(tag);
      }
      return true;
    } catch (error) {
      this.complain(error);
      return false;
    }
  }

  private count(entry: CacheEntry<unknown>, result: CacheResult): void {
    this.events.publish({ prefix: prefixOf(entry), tier: this.store.tier, result });
  }

  private complain(error: unknown): void {
    this.logger.debug(`The cache did not answer: ${error instanceof Error ? error.message : String(error)}`);
  }
}

const tagKey = (tag: string): string => `tag:${tag}`;

function sameVersions(kept: readonly string[], current: readonly string[]): boolean {
  return kept.length === current.length && kept.every((version, index) => version === current[index]);
}
