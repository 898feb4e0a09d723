import { Injectable, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import {
  InjectThrottlerOptions,
  InjectThrottlerStorage,
  ThrottlerGuard,
  type ThrottlerLimitDetail,
  type ThrottlerModuleOptions,
  type ThrottlerRequest,
  type ThrottlerStorage,
} from '@nestjs/throttler';
import type { FastifyReply } from 'fastify';
import type { Principal } from '../auth/principal';
import { RateLimited } from './rate-limited.error';
import { limitKey, RateLimiter, setLimitHeaders, userKey } from './rate-limiter';
import type { Visit, VisitingRequest } from './visit';

/** Stands behind authentication, and counts by user what the door has let through uncounted. */
@Injectable()
export class RateLimitGuard extends ThrottlerGuard {
  constructor(
    @InjectThrottlerOptions() options: ThrottlerModuleOptions,
    @InjectThrottlerStorage() storage: ThrottlerStorage,
    reflector: Reflector,
    private readonly limiter: RateLimiter,
  ) {
    super(options, storage, reflector);
  }

  protected override shouldSkip(context: ExecutionContext): Promise<boolean> {
    return Promise.resolve(requestOf(context).rateLimitVisit?.counted ?? true);
  }

  protected override handleRequest(request: ThrottlerRequest): Promise<boolean> {
    visitOf(request.context).counted = true;
    return super.handleRequest(request);
  }

  protected override getTracker(request: Record<string, unknown>): Promise<string> {
    return Promise.resolve(userKey((request['principal'] as Principal).userId));
  }

  protected override generateKey(context: ExecutionContext, who: string): string {
    return limitKey(who, visitOf(context).route);
  }

  protected override throwThrottlingException(
    context: ExecutionContext,
    { timeToBlockExpire }: ThrottlerLimitDetail,
  ): Promise<void> {
    const { route } = visitOf(context);
    const resetMs = timeToBlockExpire * 1000;
    this.limiter.countRefusal(route);
    const reply = context.switchToHttp().getResponse<FastifyReply>();
    setLimitHeaders(reply, route, { allowed: false, remaining: 0, resetMs });
    throw new RateLimited(route, { resetMs });
  }
}

const requestOf = (context: ExecutionContext): VisitingRequest =>
  context.switchToHttp().getRequest<VisitingRequest>();

/** Of a request that is limited. */
export function visitOf(context: ExecutionContext): Visit {
  const { rateLimitVisit } = requestOf(context);
  if (rateLimitVisit === undefined) throw new Error('This request did not come through the door');
  return rateLimitVisit;
}
