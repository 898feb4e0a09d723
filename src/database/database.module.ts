import { Global, Module, type DynamicModule } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { CONFIG, type Config } from '../config/config';
import { applicationDataSource } from './data-source-options';
import { DatabaseService } from './database.service';
import { OrmQueryEvents } from './orm-query-events';
import { Partitions } from './partitions';
import { QueryEvents } from './query-events';

/** Where PostgreSQL is reached: as the application's role, and as the owner for partitions and jobs. */
export interface DatabaseUrls {
  readonly applicationUrl: string;
  readonly ownerUrl: string;
}

/** Injection token of {@link DatabaseUrls}. */
export const DATABASE_URLS = Symbol('DATABASE_URLS');

@Global()
@Module({})
export class DatabaseModule {
  static at(urls: DatabaseUrls): DynamicModule {
    return {
      module: DatabaseModule,
      imports: [
        TypeOrmModule.forRootAsync({
          inject: [CONFIG],
          useFactory: (config: Config) => ({
            ...applicationDataSource(urls.applicationUrl, config.environment),
            autoLoadEntities: true,
            retryAttempts: 1,
          }),
        }),
      ],
      providers: [
        { provide: DATABASE_URLS, useValue: urls },
        QueryEvents,
        OrmQueryEvents,
        DatabaseService,
        Partitions,
      ],
      exports: [DATABASE_URLS, QueryEvents, DatabaseService, Partitions],
    };
  }
}
