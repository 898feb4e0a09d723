import QuickLRU from 'quick-lru';
import type { CacheStore } from './cache-store';

const MAX_ENTRIES = 10_000;

/** The least recently used 10 000 answers, in this process. */
export class MemoryStore implements CacheStore {
  readonly tier = 'memory';
  private readonly entries = new QuickLRU<string, string>({ maxSize: MAX_ENTRIES });

  getMany(keys: readonly string[]): Promise<(string | undefined)[]> {
    return Promise.resolve(keys.map((key) => this.entries.get(key)));
  }

  set(key: string, value: string, ttlSeconds: number): Promise<void> {
    this.entries.set(key, value, { maxAge: ttlSeconds * 1000 });
    return Promise.resolve();
  }

  setIfAbsent(key: string, value: string, ttlSeconds: number): Promise<string> {
    const kept = this.entries.get(key);
    if (kept === undefined) this.entries.set(key, value, { maxAge: ttlSeconds * 1000 });
    return Promise.resolve(kept ?? value);
  }

  close(): Promise<void> {
    this.entries.clear();
    return Promise.resolve();
  }
}
