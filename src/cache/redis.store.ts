import { Logger } from '@nestjs/common';
import { redisInsStore } from 'cache-manager-redis-yet';
import { createClient } from 'redis';
import type { CacheStore } from './cache-store';

const NAMESPACE = 'gridtokenx:';
const COMMAND_DEADLINE_MS = 250;
/** After a command that was not answered nobody waits for Redis this long. */
const REST_MS = 1_000;

type Client = ReturnType<typeof createClient>;
type Store = ReturnType<typeof redisInsStore>;

/**
 * Answers that all processes share. Every command has a deadline and none is queued while Redis is away:
 * the caller then asks the database.
 */
export class RedisStore implements CacheStore {
  readonly tier = 'redis';
  private readonly store: Store;
  private restsUntil = -Infinity;

  private constructor(private readonly client: Client) {
    this.store = redisInsStore(client as unknown as Parameters<typeof redisInsStore>[0]);
  }

  /** Connects in the background: a Redis that is away at boot does not keep the application from serving. */
  static connect(url: string, connectTimeoutMs: number): RedisStore {
    const logger = new Logger('Redis');
    const client = createClient({
      url,
      disableOfflineQueue: true,
      socket: {
        connectTimeout: connectTimeoutMs,
        reconnectStrategy: (tries) => Math.min(50 * 2 ** tries, 2_000),
      },
    });
    let away = false;
    client.on('error', (error: Error) => {
      if (!away) logger.warn(`Redis is away, answers come from the database: ${error.message || error.name}`);
      away = true;
    });
    const store = new RedisStore(client);
    client.on('ready', () => {
      store.restsUntil = -Infinity;
      logger.log('Redis is connected');
      away = false;
    });
    void client.connect().catch(() => undefined); // reported by the listener; the client goes on trying
    return store;
  }

  async getMany(keys: readonly string[]): Promise<(string | undefined)[]> {
    if (keys.length === 0) return [];
    const values = await this.ask(() => this.client.mGet(keys.map((key) => NAMESPACE + key)));
    return values.map((value) => (value === null ? undefined : (JSON.parse(value) as string)));
  }

  async set(key: string, value: string, ttlSeconds: number): Promise<void> {
    await this.ask(() => this.store.set(NAMESPACE + key, value, ttlSeconds * 1000));
  }

  async setIfAbsent(key: string, value: string, ttlSeconds: number): Promise<string> {
    const options = { NX: true, GET: true, EX: ttlSeconds } as const;
    const kept = await this.ask(() => this.client.set(NAMESPACE + key, JSON.stringify(value), options));
    return kept === null ? value : (JSON.parse(kept) as string);
  }

  /** A Redis that hangs costs one deadline in a while, not one for each request. */
  private async ask<Result>(command: () => Promise<Result>): Promise<Result> {
    if (performance.now() < this.restsUntil) throw new RedisSilent();
    try {
      return await withinDeadline(command());
    } catch (error) {
      if (error instanceof RedisSilent) this.restsUntil = performance.now() + REST_MS;
      throw error;
    }
  }

  async close(): Promise<void> {
    if (this.client.isOpen) await this.client.disconnect();
  }

  get isReady(): boolean {
    return this.client.isReady;
  }
}

class RedisSilent extends Error {
  constructor() {
    super(`Redis did not answer within ${COMMAND_DEADLINE_MS} ms`);
  }
}

async function withinDeadline<Result>(command: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new RedisSilent()), COMMAND_DEADLINE_MS);
  });
  try {
    return await Promise.race([command, deadline]);
  } finally {
    clearTimeout(timer);
  }
}
