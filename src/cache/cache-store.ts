/** Where cached answers are kept: this process's memory, or Redis for all processes. Values are JSON text. */
export interface CacheStore {
  readonly tier: 'memory' | 'redis';
  /** In the order of the keys; undefined where there is nothing. */
  getMany(keys: readonly string[]): Promise<(string | undefined)[]>;
  set(key: string, value: string, ttlSeconds: number): Promise<void>;
  /** Keeps what is there already and answers with what is kept after. */
  setIfAbsent(key: string, value: string, ttlSeconds: number): Promise<string>;
  close(): Promise<void>;
}

/** Injection token of {@link CacheStore}. */
export const CACHE_STORE = Symbol('CACHE_STORE');
