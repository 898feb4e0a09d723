import { Logger } from '@nestjs/common';
import { UnexpectedReply, type RedisGate } from './redis/redis-gate';
import { counterKey } from './redis/redis-keys';
import { INCREMENT } from './redis/redis-scripts';

/** Counters of this process alone; more than this many make it forget those that end first. */
const MAX_LOCAL = 100_000;

export interface Count {
  readonly value: number;
  /** When it begins again at nothing, in milliseconds from now; undefined for never. */
  readonly leftMs: number | undefined;
}

interface LocalCounter {
  value: number;
  /** By the clock that nobody sets. */
  endsAt: number;
}

/** Counts in Redis, for all processes; in this process alone without Redis and while it is away. */
export class Counters {
  private readonly logger = new Logger('Cache');
  private readonly local = new Map<string, LocalCounter>();

  constructor(private readonly gate: RedisGate | undefined) {}

  /**
   * Counts up in one step, in which the end is set too.
   * @param ttlMs from the first count on; undefined: it never ends
   */
  async increment(key: string, by: number, ttlMs?: number): Promise<Count> {
    if (this.gate?.isOpen) {
      try {
        return await this.incrementShared(this.gate, key, by, ttlMs);
      } catch (error) {
        this.logger.debug(`Redis did not count: ${String(error)}`);
      }
    }
    return this.incrementLocal(key, by, ttlMs);
  }

  private async incrementShared(gate: RedisGate, key: string, by: number, ttlMs = 0): Promise<Count> {
    const name = counterKey(key);
    const reply = await gate.ask(() =>
      gate.connection.run(INCREMENT, [name], [String(by), String(Math.ceil(ttlMs))]),
    );
    if (!Array.isArray(reply)) throw new UnexpectedReply();
    const [value, left] = reply as unknown[];
    if (typeof value !== 'number' || typeof left !== 'number') throw new UnexpectedReply();
    return { value, leftMs: left < 0 ? undefined : left };
  }

  private incrementLocal(key: string, by: number, ttlMs?: number): Count {
    const now = performance.now();
    let counter = this.local.get(key);
    if (counter === undefined || counter.endsAt <= now) {
      if (this.local.size >= MAX_LOCAL) this.makeRoom(now);
      counter = { value: 0, endsAt: ttlMs === undefined ? Infinity : now + ttlMs };
      this.local.delete(key);
      this.local.set(key, counter);
    }
    counter.value += by;
    return { value: counter.value, leftMs: counter.endsAt === Infinity ? undefined : counter.endsAt - now };
  }

  /** Those that have ended, and the oldest tenth when that is not enough. */
  private makeRoom(now: number): void {
    for (const [key, { endsAt }] of this.local) if (endsAt <= now) this.local.delete(key);
    let surplus = this.local.size - 0.9 * MAX_LOCAL;
    for (const key of this.local.keys()) {
      if (surplus-- <= 0) break;
      this.local.delete(key);
    }
  }
}
