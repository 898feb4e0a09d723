/** Counts of one tier under one prefix since the process began. */
export interface TierStatistics {
  hits: number;
  misses: number;
  /** Given out after they stopped being fresh, while a new one was computed. */
  stale: number;
  errors: number;
  /** Thrown out for want of room; in Redis it is Redis that counts. */
  evictions: number;
  /** Kept in memory now; written to Redis in all. */
  bytes: number;
}

/** Counts under one prefix. */
export interface PrefixStatistics {
  readonly prefix: string;
  readonly memory: TierStatistics;
  readonly redis: TierStatistics;
  loads: number;
  loadErrors: number;
  loadSeconds: number;
  /** Values that were larger than may be kept, or no plain JSON. */
  tooLarge: number;
  notPlain: number;
}

/** What counts under no prefix of a declared entry, or under one too many. */
const OTHER = 'other';
const MAX_PREFIXES = 200;

const tier = (): TierStatistics => ({ hits: 0, misses: 0, stale: 0, errors: 0, evictions: 0, bytes: 0 });

/** Counts by prefix. Prefixes are those of declared entries, so that labels made of them stay few. */
export class CacheStatistics {
  private readonly prefixes = new Map<string, PrefixStatistics>();

  /** @param prefix of a declared entry, never of a key that came from outside */
  of(prefix: string): PrefixStatistics {
    return this.prefixes.get(prefix) ?? this.add(this.prefixes.size < MAX_PREFIXES ? prefix : OTHER);
  }

  /** Of the longest known prefix that the key begins with. */
  ofKey(key: string): PrefixStatistics {
    for (let end = key.length; end > 0; end = key.lastIndexOf(':', end - 1)) {
      const known = this.prefixes.get(key.slice(0, end));
      if (known !== undefined) return known;
    }
    return this.of(OTHER);
  }

  all(): PrefixStatistics[] {
    return [...this.prefixes.values()];
  }

  /** Share of look-ups that were answered without computing, from 0 to 1; 0 before the first. */
  hitRate(): { hits: number; misses: number; rate: number } {
    let hits = 0;
    let misses = 0;
    for (const { memory, redis } of this.prefixes.values()) {
      hits += memory.hits + memory.stale + redis.hits + redis.stale;
      // What was never looked for in Redis is kept in memory alone.
      const looks = redis.hits + redis.stale + redis.misses + redis.errors;
      misses += looks > 0 ? redis.misses + redis.errors : memory.misses;
    }
    return { hits, misses, rate: hits + misses === 0 ? 0 : hits / (hits + misses) };
  }

  private add(prefix: string): PrefixStatistics {
    const known = this.prefixes.get(prefix);
    if (known !== undefined) return known;
    const made: PrefixStatistics = {
      prefix,
      memory: tier(),
      redis: tier(),
      loads: 0,
      loadErrors: 0,
      loadSeconds: 0,
      tooLarge: 0,
      notPlain: 0,
    };
    this.prefixes.set(prefix, made);
    return made;
  }
}
