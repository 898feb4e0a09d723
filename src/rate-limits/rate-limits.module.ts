import { Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { ThrottlerModule, type ThrottlerModuleOptions } from '@nestjs/throttler';
import { makeCounterProvider } from '@willsoto/nestjs-prometheus';
import { CacheService } from '../cache/cache.service';
import { Door } from './door';
import { LimitedRoutes } from './limited-routes';
import { QuotaStorage } from './quota-storage';
import { RateLimitGuard, visitOf } from './rate-limit.guard';
import { RATE_LIMITED_REQUESTS, RateLimiter } from './rate-limiter';

/** How often somebody may ask for something: limits that all processes share. */
@Module({
  imports: [
    DiscoveryModule,
    ThrottlerModule.forRootAsync({ inject: [CacheService], useFactory: throttlerOptions }),
  ],
  providers: [
    Door,
    LimitedRoutes,
    RateLimiter,
    RateLimitGuard,
    makeCounterProvider({
      name: RATE_LIMITED_REQUESTS,
      help: 'Requests that were refused since a limit was reached, by class of limit',
      labelNames: ['class'],
    }),
  ],
  exports: [RateLimitGuard],
})
export class RateLimitsModule {}

function throttlerOptions({ quota }: CacheService): ThrottlerModuleOptions {
  return {
    throttlers: [
      {
        limit: (context) => visitOf(context).route.limit,
        ttl: (context) => visitOf(context).route.windowMs,
      },
    ],
    storage: new QuotaStorage(quota),
  };
}
