import { Logger } from '@nestjs/common';
import type { CachedAnswer, KnownAnswer, Outcome } from './answer';
import { prefixOf, type CacheEntry } from './cache-entry';
import type { CacheSettings } from './cache-settings';
import type { CacheStatistics } from './cache-statistics';
import type { Envelope } from './envelope';
import type { FirstTier, FirstTierRecord } from './first-tier';
import { freezeAndMeasure, freezeParsed } from './frozen';
import type { Search } from './in-flight';
import { fraction, renewalOf } from './lifetime';

/** Freezes what was found and puts it into the memory of this process, where nothing speaks against it. */
export class Keeper {
  private readonly logger = new Logger('Cache');
  private readonly complained = new Set<string>();
  private readonly times = new WeakMap<object, KnownAnswer>();

  constructor(
    private readonly first: FirstTier,
    private readonly statistics: CacheStatistics,
    private readonly settings: Pick<CacheSettings, 'maxValueBytes'>,
  ) {}

  /** @returns about how many bytes of JSON it takes; undefined for what is not kept at all, and says so */
  weigh(prefix: string, value: unknown): number | undefined {
    const counts = this.statistics.of(prefix);
    try {
      const bytes = freezeAndMeasure(value);
      if (bytes <= this.settings.maxValueBytes) return bytes;
      counts.tooLarge++;
    } catch (error) {
      counts.notPlain++;
      if (!this.complained.has(prefix)) {
        this.complained.add(prefix);
        this.logger.warn(`Answers under ${prefix} are not kept: ${(error as Error).message}`);
      }
    }
    return undefined;
  }

  /** Of an object that was given out as an answer. */
  timesOf(value: object): KnownAnswer | undefined {
    return this.times.get(value);
  }

  /** An answer that is not kept: nobody else will be given it, and nothing that is made of it is kept either. */
  unkept<Value>(value: Value, outcome: Outcome): CachedAnswer<Value> {
    const now = Date.now();
    const known: KnownAnswer = { version: undefined, createdAt: now, freshUntil: now };
    this.note(value, known);
    return { value, outcome, ...known };
  }

  /**
   * Keeps what came from Redis in memory too, where there is room for anything. Where it is not kept, and nobody else waited
   * for it, it is the one asker's alone: then there is nothing to protect by freezing it.
   */
  adopt(entry: Pick<CacheEntry<unknown>, 'key' | 'sharedOnly'>, search: Search, envelope: Envelope): void {
    if (entry.sharedOnly || !this.first.hasRoom) {
      if (search.isJoined) freezeParsed(envelope.value);
      this.note(envelope.value, knownOf(envelope, !entry.sharedOnly));
      return;
    }
    const bytes = this.weigh(prefixOf(entry as CacheEntry<unknown>), envelope.value);
    if (bytes !== undefined) this.keep(entry, search, envelope, bytes);
  }

  /** Keeps it in memory unless it was invalidated since the search began, or may only be kept in Redis. */
  keep(
    entry: Pick<CacheEntry<unknown>, 'key' | 'sharedOnly'>,
    search: Search,
    envelope: Envelope,
    jsonBytes: number,
  ): void {
    const { value, version, createdAt, freshUntil, expiresAt, loadMs } = envelope;
    const isKept = !entry.sharedOnly && !search.isDoomed;
    this.note(value, knownOf(envelope, isKept));
    if (!isKept) return;
    const renewAt = renewalOf(freshUntil, loadMs, fraction());
    this.first.put(
      search.key,
      {
        value,
        version,
        createdAt,
        freshUntil,
        expiresAt,
        renewAt,
        retryAt: 0,
        states: search.states,
        generations: search.began,
        statistics: this.statistics.of(prefixOf(entry as CacheEntry<unknown>)),
      },
      jsonBytes,
    );
  }

  private note(value: unknown, known: KnownAnswer): void {
    if (typeof value === 'object' && value !== null) this.times.set(value, known);
  }
}

/** @param isLasting what is made of it may be kept too, as long as it is fresh */
const knownOf = ({ version, createdAt, freshUntil }: Envelope, isLasting: boolean): KnownAnswer => ({
  version,
  createdAt,
  freshUntil: isLasting ? freshUntil : createdAt,
});

type Found = Pick<Envelope | FirstTierRecord, 'value' | 'version' | 'createdAt' | 'freshUntil'>;

export const answerOf = <Value>(
  { value, version, createdAt, freshUntil }: Found,
  outcome: Outcome,
): CachedAnswer<Value> => ({ value: value as Value, outcome, version, createdAt, freshUntil });
