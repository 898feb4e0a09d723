import { CacheModule as NestCacheModule } from '@nestjs/cache-manager';
import { Global, Module } from '@nestjs/common';
import { CONFIG, type Config } from '../config/config';
import { DATABASE_URLS, type DatabaseUrls } from '../database/database.module';
import { DatabaseService } from '../database/database.service';
import { CacheEvents } from './cache-events';
import { assembleCache } from './cache-parts';
import { CACHE_SETTINGS, type CacheSettings } from './cache-settings';
import { CacheService } from './cache.service';
import { HttpCacheModule } from './http/http-cache.module';
import { KeyvStore } from './keyv-store';
import { PostgresBus } from './postgres-bus';
import { CacheWarming } from './warming/cache-warming';

/** Our own tiers, for our own code. */
@Global()
@Module({
  providers: [
    CacheEvents,
    CacheWarming,
    { provide: CACHE_SETTINGS, inject: [CONFIG], useFactory: settingsOf },
    {
      provide: CacheService,
      inject: [CONFIG, CACHE_SETTINGS, CacheEvents, DatabaseService, DATABASE_URLS],
      useFactory: (
        { embedded }: Config,
        settings: CacheSettings,
        events: CacheEvents,
        database: DatabaseService,
        { ownerUrl }: DatabaseUrls,
      ) => {
        // The application's URL may lead to PgBouncer, where nobody can listen.
        const bus = new PostgresBus(ownerUrl, database, embedded);
        return new CacheService(assembleCache(settings, events, bus));
      },
    },
  ],
  exports: [CacheEvents, CacheWarming, CacheService],
})
class CacheTiersModule {}

/** The cache, also as Nest's CACHE_MANAGER for packages that know that one. */
@Module({
  imports: [
    CacheTiersModule,
    HttpCacheModule,
    NestCacheModule.registerAsync({
      isGlobal: true,
      inject: [CacheService],
      useFactory: (cache: CacheService) => ({
        stores: [new KeyvStore(cache)],
      }),
    }),
  ],
})
export class CacheModule {}

/** What the environment says about the cache. */
export function settingsOf({ environment }: Config): CacheSettings {
  const url = environment.REDIS_URL;
  return {
    defaultTtlSeconds: environment.CACHE_DEFAULT_TTL_S,
    firstTierBytes: environment.CACHE_L1_MAX_BYTES,
    maxValueBytes: environment.CACHE_MAX_VALUE_BYTES,
    compressAboveBytes: environment.CACHE_COMPRESS_ABOVE_BYTES,
    redis:
      url === undefined
        ? undefined
        : {
            url,
            maxConnections: environment.REDIS_MAX_CONNECTIONS,
            connectTimeoutMs: environment.REDIS_CONNECT_TIMEOUT_MS,
            commandTimeoutMs: environment.REDIS_COMMAND_TIMEOUT_MS,
          },
  };
}
