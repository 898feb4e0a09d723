import type { ThrottlerStorage } from '@nestjs/throttler';
import type { Quota } from '../cache/quota';
import { secondsOf } from './rate-limited.error';

type StorageRecord = Awaited<ReturnType<ThrottlerStorage['increment']>>;

/** Lets the throttler count in what all processes share. */
export class QuotaStorage implements ThrottlerStorage {
  constructor(private readonly quota: Quota) {}

  /** @param ttl milliseconds; the answer's times are seconds */
  async increment(key: string, ttl: number, limit: number): Promise<StorageRecord> {
    const { allowed, remaining, resetMs } = await this.quota.take(key, { limit, windowMs: ttl });
    const seconds = secondsOf(resetMs);
    return {
      totalHits: allowed ? limit - remaining : limit + 1,
      timeToExpire: seconds,
      isBlocked: !allowed,
      timeToBlockExpire: seconds,
    };
  }
}
