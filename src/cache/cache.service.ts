import { setTimeout as pause } from 'node:timers/promises';
import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import type { Transaction } from '../database/transaction';
import type { CachedAnswer, KnownAnswer } from './answer';
import { buildKey, keyOf, type CacheEntry } from './cache-entry';
import type { CacheParts, SharedParts } from './cache-parts';
import type { CacheStatistics, PrefixStatistics } from './cache-statistics';
import type { BreakerState } from './circuit-breaker';
import { CoarseClock } from './coarse-clock';
import { NoBus } from './invalidation-bus';
import { answerOf } from './keeper';
import { fraction, lifetimeOf } from './lifetime';
import type { Load } from './loader';
import { Quota } from './quota';
import { redisServerStatistics, type RedisServerStatistics } from './redis/redis-server-statistics';
import { Writer } from './writer';

/** Where something is kept: what a domain declared, or a key by itself, which has no tags. */
export type Place<Value> = CacheEntry<Value> | string;

/** Everything that is counted; times in seconds, sizes in bytes. */
export interface CacheReport {
  readonly hits: number;
  readonly misses: number;
  /** From 0 to 1. */
  readonly hitRate: number;
  readonly memory: { readonly entries: number; readonly bytes: number; readonly maxBytes: number };
  /** Undefined without Redis; its own figures are missing while it is away. */
  readonly redis:
    | {
        readonly breaker: BreakerState;
        readonly refusedForMemory: number;
        readonly server: RedisServerStatistics | undefined;
      }
    | undefined;
  readonly prefixes: readonly PrefixStatistics[];
}

const LOG_EVERY_MS = 60_000;
const CONNECT_MS = 1_000;

/**
 * Answers that are expensive to compute: in the memory of this process, frozen, and in Redis for all of them. It is
 * never stale after a write, and never in the way: what it cannot do now is computed.
 */
@Injectable()
export class CacheService implements OnModuleInit, OnApplicationShutdown {
  /** Limits that all processes share. */
  readonly quota: Quota;
  private readonly clock = new CoarseClock();
  private readonly writer: Writer;
  /** Writes what is kept in this process only, which nobody else has to hear of. */
  private readonly ownWriter: Writer;
  private readonly logger = new Logger('Cache');
  private readonly logging: NodeJS.Timeout;

  constructor(private readonly parts: CacheParts) {
    this.quota = new Quota(parts.counters);
    this.writer = new Writer(parts);
    this.ownWriter = new Writer({ ...parts, shared: undefined, bus: new NoBus() });
    this.logging = setInterval(() => this.logHitRate(), LOG_EVERY_MS).unref();
  }

  /** The key of the answer under this prefix that the parts tell from others. Parts may hold anything. */
  buildKey(prefix: string, ...parts: string[]): string {
    return buildKey(prefix, ...parts);
  }

  /**
   * The kept answer, or `load`'s, which is then kept. All who ask at the same time, in all processes, share one load,
   * and in this process its error. The answer is frozen.
   */
  getOrCompute<Value>(entry: CacheEntry<Value>, load: Load<Value>): Promise<Value> {
    const key = keyOf(entry);
    const { now } = this.clock;
    const record = this.parts.first.get(key, now);
    if (record === undefined) return this.parts.finder.find(entry, key, load).then(({ value }) => value);
    if (now >= record.renewAt) this.parts.finder.renewBehind(entry, key, record, load);
    else record.statistics.memory.hits++;
    return record.answer as Promise<Value>;
  }

  /** The same with how it came about and how old it is, for whoever answers on: ETag, Age, X-Cache. */
  answer<Value>(entry: CacheEntry<Value>, load: Load<Value>): Promise<CachedAnswer<Value>> {
    const key = keyOf(entry);
    const { now } = this.clock;
    const record = this.parts.first.get(key, now);
    if (record === undefined) return this.parts.finder.find(entry, key, load);
    if (now >= record.renewAt)
      return Promise.resolve(this.parts.finder.renewBehind(entry, key, record, load));
    record.statistics.memory.hits++;
    return Promise.resolve(answerOf(record, 'hit'));
  }

  /** What is fresh in the memory of this process right now; it counts as a hit. Undefined says nothing about Redis. */
  peek<Value>(entry: CacheEntry<Value>): CachedAnswer<Value> | undefined {
    const { now } = this.clock;
    const record = this.parts.first.get(keyOf(entry), now);
    if (record === undefined || now >= record.renewAt) return undefined;
    record.statistics.memory.hits++;
    return answerOf(record, 'hit');
  }

  /** Of an object that the cache gave out, for whoever makes another answer of it; undefined where it keeps none such. */
  timesOf(answer: object): KnownAnswer | undefined {
    return this.parts.keeper.timesOf(answer);
  }

  /** What is kept; undefined where there is nothing. */
  async get<Value>(place: Place<Value>): Promise<Value | undefined> {
    const entry = this.entryOf(place);
    const key = keyAt(place);
    const record = this.parts.first.get(key, this.clock.now);
    if (record !== undefined) {
      record.statistics.memory.hits++;
      return record.value as Value;
    }
    return (await this.parts.finder.lookOnly(entry, key))?.value;
  }

  /** In the order of the places. */
  mget<Value>(places: readonly Place<Value>[]): Promise<(Value | undefined)[]> {
    return Promise.all(places.map((place) => this.get(place)));
  }

  /**
   * Keeps a value, for all processes that may have it, whatever loads of it are running.
   * @param ttlSeconds unset: what the entry says, for a key by itself the default of five minutes
   * @returns whether it is kept; where it is not, nothing is
   */
  set<Value>(place: Place<Value>, value: Value, ttlSeconds?: number): Promise<boolean> {
    const entry = this.entryOf(place, ttlSeconds);
    // A time that somebody named is kept to exactly; those of entries are spread.
    const chance = typeof place === 'string' || ttlSeconds !== undefined ? 0.5 : fraction();
    const lifetime = lifetimeOf(entry, value, Date.now(), chance);
    const writer = entry.localOnly ? this.ownWriter : this.writer;
    return writer.write({ entry, key: keyAt(place), value, lifetime });
  }

  /** @returns whether all are kept */
  async mset<Value>(
    pairs: readonly (readonly [Place<Value>, Value])[],
    ttlSeconds?: number,
  ): Promise<boolean> {
    const kept = await Promise.all(pairs.map(([place, value]) => this.set(place, value, ttlSeconds)));
    return kept.every(Boolean);
  }

  /** Drops one answer everywhere; loads that run do not bring it back. */
  async delete(place: Place<unknown>): Promise<void> {
    await this.parts.invalidations.now({ keys: [keyAt(place)] });
  }

  /**
   * Drops all answers whose keys match, everywhere. It looks through all keys: where a write should drop many answers,
   * give them a tag.
   * @param pattern `*` stands for any text, everything else for itself
   * @returns how many there were, in Redis, or in memory where there is no Redis
   */
  deletePattern(pattern: string): Promise<number> {
    return this.parts.invalidations.now({ patterns: [pattern] });
  }

  /** Drops everything that carries one of the tags once the transaction is committed, whatever becomes of us then. */
  invalidateAfterCommit(tx: Transaction, tags: readonly string[]): void {
    this.parts.invalidations.afterCommit(tx, tags);
  }

  /** Drops everything that carries one of the tags, now. Inside a transaction use invalidateAfterCommit. */
  async invalidate(tags: readonly string[]): Promise<void> {
    await this.parts.invalidations.now({ tags });
  }

  /** Counts up by one, for all processes; in this one alone without Redis or while it is away. */
  async increment(key: string): Promise<number> {
    return (await this.parts.counters.increment(key, 1)).value;
  }

  /** The same for a counter that ends so long after its first count. */
  async incrementWithTtl(key: string, ttlSeconds: number): Promise<number> {
    return (await this.parts.counters.increment(key, 1, ttlSeconds * 1000)).value;
  }

  /** Of what is set by a key alone without saying how long it lives. */
  get defaultTtlSeconds(): number {
    return this.parts.settings.defaultTtlSeconds;
  }

  /** Whether all processes share what is kept, by Redis. */
  get isShared(): boolean {
    return this.parts.shared !== undefined;
  }

  /** Whether everything the cache is made of works now; where it does not, answers are computed. */
  async isAnswering(): Promise<boolean> {
    return this.isConnected && (await (this.parts.shared?.gate.answers() ?? true));
  }

  /** The counts by prefix as they are, for metrics. */
  get statistics(): CacheStatistics {
    return this.parts.statistics;
  }

  get breaker(): BreakerState | undefined {
    return this.parts.shared?.gate.state;
  }

  async stats(): Promise<CacheReport> {
    const { hits, misses, rate } = this.parts.statistics.hitRate();
    const { shared } = this.parts;
    return {
      hits,
      misses,
      hitRate: rate,
      memory: this.parts.first.size,
      redis: shared && {
        breaker: shared.gate.state,
        refusedForMemory: shared.gate.refusedForMemory,
        server: await serverOf(shared),
      },
      prefixes: this.parts.statistics.all(),
    };
  }

  /** Waits a moment for Redis and the other processes to be heard; who is away does not keep anybody from starting. */
  async onModuleInit(): Promise<void> {
    const latest = Date.now() + CONNECT_MS;
    while (!this.isConnected && this.breaker !== 'open' && Date.now() < latest) await pause(5);
  }

  /** After the last request: what it changed still had to be dropped for other processes. */
  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.logging);
    this.clock.stop();
    await this.parts.invalidations.close();
    await this.parts.bus.close();
    this.parts.shared?.gate.close();
  }

  private get isConnected(): boolean {
    return this.parts.first.isOpen && (this.parts.shared?.gate.isOpen ?? true);
  }

  private entryOf<Value>(place: Place<Value>, ttlSeconds?: number): CacheEntry<Value> {
    if (typeof place !== 'string') return ttlSeconds === undefined ? place : { ...place, ttlSeconds };
    const { prefix } = this.parts.statistics.ofKey(place);
    return { key: [prefix], ttlSeconds: ttlSeconds ?? this.parts.settings.defaultTtlSeconds, tags: [] };
  }

  private logHitRate(): void {
    const { hits, misses, rate } = this.parts.statistics.hitRate();
    if (hits + misses > 0)
      this.logger.log(`${hits} hits, ${misses} misses, hit rate ${(100 * rate).toFixed(1)} %`);
  }
}

const keyAt = (place: Place<unknown>): string => (typeof place === 'string' ? place : keyOf(place));

const serverOf = ({ gate }: SharedParts): Promise<RedisServerStatistics | undefined> =>
  redisServerStatistics(gate).catch(() => undefined);
