import { setTimeout as pause } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import type { CachedAnswer, Outcome } from './answer';
import { prefixOf, type CacheEntry } from './cache-entry';
import type { CacheStatistics } from './cache-statistics';
import type { Envelope } from './envelope';
import type { FirstTier, FirstTierRecord } from './first-tier';
import { Search, type InFlight } from './in-flight';
import { answerOf, type Keeper } from './keeper';
import { fraction, lifetimeOf, renewalOf } from './lifetime';
import type { Load, Loader } from './loader';
import type { Lease } from './redis/lease';
import type { Look, Versions } from './redis/second-tier';
import { newVersion } from './redis/tag-versions';
import { letGo, type SharedAnswers } from './shared-answers';

/** Who waits longer for the load of another process computes by itself. */
const PATIENCE_MS = 2_000;
const FIRST_PAUSE_MS = 2;
const LAST_PAUSE_MS = 40;
/** A renewal that came to nothing is tried again after this. */
const RENEW_AGAIN_MS = 1_000;

/** Another process renews the answer, or nobody can keep it now, and nobody waits for it. */
class RenewalGivenUp extends Error {}

/** The right to fill, and what for. */
interface Held {
  readonly lease: Lease;
  readonly token: string;
}

/** Finds out what is not in the memory of this process: in Redis, or by computing it, once for all who ask. */
export class Finder {
  private readonly logger = new Logger('Cache');

  constructor(
    private readonly first: FirstTier,
    private readonly flights: InFlight,
    private readonly keeper: Keeper,
    private readonly statistics: CacheStatistics,
    private readonly loader: Loader,
    private readonly shared: SharedAnswers | undefined,
  ) {}

  /** Rejects only with what `load` rejects with, or the entry's `validUntil`. */
  find<Value>(entry: CacheEntry<Value>, key: string, load: Load<Value>): Promise<CachedAnswer<Value>> {
    if (entry.sharedOnly) return this.findShared(entry, key, load);
    this.statistics.of(prefixOf(entry)).memory.misses++;
    const running = this.flights.join(key);
    if (running !== undefined) return running.answer as Promise<CachedAnswer<Value>>;
    return this.search(entry, this.searchFor(entry, key), load);
  }

  /** Gives out what is there, and computes anew behind it, once. */
  renewBehind<Value>(
    entry: CacheEntry<Value>,
    key: string,
    record: FirstTierRecord,
    load: Load<Value>,
  ): CachedAnswer<Value> {
    const now = Date.now();
    const outcome: Outcome = now < record.freshUntil ? 'hit' : 'stale';
    if (outcome === 'hit') record.statistics.memory.hits++;
    else record.statistics.memory.stale++;
    if (now >= record.retryAt) {
      record.retryAt = now + RENEW_AGAIN_MS;
      // Until then hits are as quick as before, as long as they are hits.
      if (outcome === 'hit') record.renewAt = Math.min(record.retryAt, record.freshUntil);
      this.behind(entry, key, load, record.version);
    }
    return answerOf(record, outcome);
  }

  /** Looks without computing. */
  async lookOnly<Value>(entry: CacheEntry<Value>, key: string): Promise<CachedAnswer<Value> | undefined> {
    if (!entry.sharedOnly) this.statistics.of(prefixOf(entry)).memory.misses++;
    if (this.shared === undefined || entry.localOnly) return undefined;
    const search = this.searchFor(entry, key);
    this.flights.add(search);
    try {
      const look = await this.look(this.shared, entry, search);
      return look?.envelope && this.adopt(entry, search, look.envelope);
    } finally {
      this.flights.remove(search);
    }
  }

  private searchFor(entry: CacheEntry<unknown>, key: string, under?: string): Search {
    return new Search(key, this.first.tags.statesOf(entry.tags), under);
  }

  private search<Value>(
    entry: CacheEntry<Value>,
    search: Search,
    load: Load<Value>,
    known?: string,
  ): Promise<CachedAnswer<Value>> {
    this.flights.add(search);
    const obtained =
      this.shared === undefined || entry.localOnly
        ? this.loadAlone(entry, search, load, known)
        : this.obtain(this.shared, entry, search, load, known);
    const over = () => this.flights.remove(search);
    obtained.then(over, over);
    search.answer = obtained;
    return obtained;
  }

  private behind<Value>(
    entry: CacheEntry<Value>,
    key: string,
    load: Load<Value>,
    known: string | undefined,
  ): void {
    if (this.flights.joinable(key) !== undefined) return;
    this.search(entry, this.searchFor(entry, key), load, known).catch((error: unknown) => {
      if (error instanceof RenewalGivenUp) return;
      this.logger.warn(`An answer under ${prefixOf(entry)} was not renewed: ${String(error)}`);
    });
  }

  /** Everybody looks by himself; only who saw the same versions shares a load. */
  private async findShared<Value>(
    entry: CacheEntry<Value>,
    key: string,
    load: Load<Value>,
  ): Promise<CachedAnswer<Value>> {
    if (this.shared === undefined) return this.bypass(entry, load);
    const search = this.searchFor(entry, key);
    const look = await this.look(this.shared, entry, search);
    if (look?.versions === undefined) return this.bypass(entry, load);
    if (look.envelope !== undefined) return this.adoptAndRenew(entry, search, look.envelope, load);
    const versions = await this.shared.made(look.versions, entry);
    if (versions === undefined) return this.bypass(entry, load);
    const under = [versions.namespace, ...versions.tags].join(' ');
    const running = this.flights.join(key, under);
    if (running !== undefined) return running.answer as Promise<CachedAnswer<Value>>;
    return this.search(entry, this.searchFor(entry, key, under), load);
  }

  /** In Redis, or by the one load of all processes; by ourselves where neither can be. */
  private async obtain<Value>(
    shared: SharedAnswers,
    entry: CacheEntry<Value>,
    search: Search,
    load: Load<Value>,
    known: string | undefined,
  ): Promise<CachedAnswer<Value>> {
    const patientUntil = Date.now() + PATIENCE_MS;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LAST_PAUSE_MS)) {
      const look = await this.look(shared, entry, search);
      if (look?.versions === undefined) break;
      if (look.envelope !== undefined && look.envelope.version !== known)
        return this.adoptAndRenew(entry, search, look.envelope, load);
      const token = newVersion();
      const acquired = await shared.acquire(entry, search.key, token, look.versions, known);
      if (acquired === 'away') break;
      if (acquired !== undefined) {
        if ('envelope' in acquired) return this.adopt(entry, search, acquired.envelope);
        const held: Held = { lease: acquired.lease, token };
        return this.loadAndFill(shared, entry, search, load, held);
      }
      if (Date.now() >= patientUntil) break;
      await pause(pauseMs);
    }
    return this.bypassFor(search, entry, load, known);
  }

  private look(shared: SharedAnswers, entry: CacheEntry<unknown>, search: Search): Promise<Look | undefined> {
    search.restart();
    return shared.look(entry, search.key);
  }

  private adoptAndRenew<Value>(
    entry: CacheEntry<Value>,
    search: Search,
    envelope: Envelope,
    load: Load<Value>,
  ): CachedAnswer<Value> {
    const answer = this.adopt<Value>(entry, search, envelope);
    const renewAt = renewalOf(envelope.freshUntil, envelope.loadMs, fraction());
    if (Date.now() >= renewAt) {
      // This search is at its end: the renewal is another one.
      setImmediate(() => this.behind(entry, search.key, load, envelope.version));
    }
    return answer;
  }

  private adopt<Value>(entry: CacheEntry<Value>, search: Search, envelope: Envelope): CachedAnswer<Value> {
    const counts = this.statistics.of(prefixOf(entry)).redis;
    const isFresh = Date.now() < envelope.freshUntil;
    if (isFresh) counts.hits++;
    else counts.stale++;
    this.flights.remove(search); // it is at its end: whoever asks from now on is given what is kept, or looks by himself
    this.keeper.adopt(entry, search, envelope);
    return answerOf(envelope, isFresh ? 'hit' : 'stale');
  }

  private async bypass<Value>(entry: CacheEntry<Value>, load: Load<Value>): Promise<CachedAnswer<Value>> {
    const { value } = await this.loader.run(entry, load);
    this.keeper.weigh(prefixOf(entry), value); // frozen: everybody who joined is given the same
    return this.keeper.unkept(value, 'bypass');
  }

  /** The same at the end of a search. What is renewed behind an answer would be computed in vain. */
  private bypassFor<Value>(
    search: Search,
    entry: CacheEntry<Value>,
    load: Load<Value>,
    known: string | undefined,
  ): Promise<CachedAnswer<Value>> {
    if (known === undefined || search.isJoined) return this.bypass(entry, load);
    search.doom(); // nobody joins it any more
    return Promise.reject(new RenewalGivenUp());
  }

  private async loadAlone<Value>(
    entry: CacheEntry<Value>,
    search: Search,
    load: Load<Value>,
    known: string | undefined,
  ): Promise<CachedAnswer<Value>> {
    // Whoever dies with a tag on hold tells nobody that it was changed.
    search.restart();
    if (this.shared !== undefined && !(await this.shared.mayKeep(entry)))
      return this.bypassFor(search, entry, load, known);
    const { value, loadMs } = await this.loader.run(entry, load);
    const bytes = this.keeper.weigh(prefixOf(entry), value);
    if (bytes === undefined || !this.first.isOpen) return this.keeper.unkept(value, 'miss');
    const envelope = envelopeOf(entry, search.key, value, loadMs, newVersion(), { namespace: '', tags: [] });
    if (envelope.expiresAt <= envelope.createdAt) return this.keeper.unkept(value, 'bypass');
    this.keeper.keep(entry, search, envelope, bytes);
    return answerOf(envelope, 'miss');
  }

  private async loadAndFill<Value>(
    shared: SharedAnswers,
    entry: CacheEntry<Value>,
    search: Search,
    load: Load<Value>,
    { lease, token }: Held,
  ): Promise<CachedAnswer<Value>> {
    let isFilled = false;
    try {
      const { value, loadMs } = await this.loader.run(entry, load);
      const bytes = this.keeper.weigh(prefixOf(entry), value);
      if (bytes === undefined) return this.keeper.unkept(value, 'miss');
      const envelope = envelopeOf(entry, search.key, value, loadMs, token, lease.versions);
      isFilled = await shared.fill(entry, lease, envelope, bytes);
      if (!isFilled) return this.keeper.unkept(value, 'miss');
      this.keeper.keep(entry, search, envelope, bytes);
      return answerOf(envelope, 'miss');
    } finally {
      // Whatever went wrong, the load or the entry itself: nobody waits for what does not come.
      if (!isFilled) await letGo(lease);
    }
  }
}

function envelopeOf(
  entry: CacheEntry<unknown>,
  key: string,
  value: unknown,
  loadMs: number,
  version: string,
  versions: Versions,
): Envelope {
  const lifetime = lifetimeOf(entry, value, Date.now(), fraction());
  return {
    key,
    version,
    ...lifetime,
    loadMs,
    namespace: versions.namespace,
    tagVersions: versions.tags,
    value,
  };
}
