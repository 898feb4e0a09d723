import { Global, Module } from '@nestjs/common';
import { CONFIG, type Config } from '../config/config';
import { CacheEvents } from './cache-events';
import { CACHE_STORE, type CacheStore } from './cache-store';
import { CacheService } from './cache.service';
import { MemoryStore } from './memory.store';
import { RedisStore } from './redis.store';

@Global()
@Module({
  providers: [
    CacheEvents,
    CacheService,
    {
      provide: CACHE_STORE,
      inject: [CONFIG],
      useFactory: ({ environment }: Config): CacheStore =>
        environment.REDIS_URL === undefined
          ? new MemoryStore()
          : RedisStore.connect(environment.REDIS_URL, environment.REDIS_CONNECT_TIMEOUT_MS),
    },
  ],
  exports: [CacheEvents, CacheService, CACHE_STORE],
})
export class CacheModule {}
