import { prefixOf, type CacheEntry } from './cache-entry';
import type { CacheEvents } from './cache-events';
import type { CacheStatistics } from './cache-statistics';

export type Load<Value> = () => Promise<Value>;

export interface Loaded<Value> {
  readonly value: Value;
  readonly loadMs: number;
}

/** Computes answers, and counts how often, how long and how often in vain. */
export class Loader {
  constructor(
    private readonly statistics: CacheStatistics,
    private readonly events: CacheEvents,
  ) {}

  async run<Value>(entry: CacheEntry<Value>, load: Load<Value>): Promise<Loaded<Value>> {
    const prefix = prefixOf(entry);
    const counts = this.statistics.of(prefix);
    const started = performance.now();
    counts.loads++;
    try {
      const value = await load();
      return { value, loadMs: Math.round(performance.now() - started) };
    } catch (error) {
      counts.loadErrors++;
      throw error;
    } finally {
      const seconds = (performance.now() - started) / 1000;
      counts.loadSeconds += seconds;
      this.events.publish({ kind: 'timed', operation: 'load', prefix, seconds });
    }
  }
}
