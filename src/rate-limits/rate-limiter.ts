import { Injectable } from '@nestjs/common';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import type { FastifyReply } from 'fastify';
import type { Counter } from 'prom-client';
import { CacheService } from '../cache/cache.service';
import type { Taken } from '../cache/quota';
import type { LimitedRoute } from './limited-routes';
import { secondsOf } from './rate-limited.error';

export const RATE_LIMITED_REQUESTS = 'rate_limited_requests_total';

/** Who is counted: a user, or whoever has an address. */
export const userKey = (userId: string): string => `user:${userId}`;
export const addressKey = (address: string): string => `ip:${address}`;

/** What is counted: what one user or address asks of one route. */
export const limitKey = (who: string, { endpoint }: LimitedRoute): string => `rate_limit:${who}:${endpoint}`;

/** Counts requests, in all processes together. */
@Injectable()
export class RateLimiter {
  constructor(
    private readonly cache: CacheService,
    @InjectMetric(RATE_LIMITED_REQUESTS) private readonly refused: Counter,
  ) {}

  /** Counts one. Synchronous for most: without a round trip to Redis. */
  take(who: string, route: LimitedRoute): Taken | Promise<Taken> {
    return this.cache.quota.take(limitKey(who, route), route);
  }

  /** What is known without asking: undefined unless nothing is left. */
  spent(who: string, route: LimitedRoute): Taken | undefined {
    return this.cache.quota.spent(limitKey(who, route));
  }

  countRefusal(route: LimitedRoute): void {
    this.refused.inc({ class: route.class });
  }
}

/** Tells a client where it stands: the limit, what is left of it at most, and in how many seconds it begins anew. */
export function setLimitHeaders(reply: FastifyReply, { limit }: LimitedRoute, taken: Taken): void {
  void reply.header('x-ratelimit-limit', limit);
  void reply.header('x-ratelimit-remaining', taken.remaining);
  void reply.header('x-ratelimit-reset', secondsOf(taken.resetMs));
}
