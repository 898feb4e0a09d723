import { Global, Logger, Module, type DynamicModule } from '@nestjs/common';
import { getDataSourceToken, TypeOrmModule } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { QuietPeriod } from '../common/quiet-period';
import { CONFIG, type Config } from '../config/config';
import { primaryPool } from './connections';
import { applicationDataSource } from './data-source-options';
import { DatabaseService } from './database.service';
import { OrmQueryEvents } from './orm-query-events';
import { Partitions } from './partitions';
import { PoolMinimum } from './pool-minimum';
import { QueryEvents } from './query-events';
import { Replicas } from './replicas';
import { ReservedDatabase } from './reserved-database';
import { SlowQueryLog } from './slow-query-log';

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
            ...applicationDataSource(urls.applicationUrl, config.environment, tellOfLostConnections()),
            autoLoadEntities: true,
            retryAttempts: 1,
          }),
        }),
      ],
      providers: [
        { provide: DATABASE_URLS, useValue: urls },
        QueryEvents,
        OrmQueryEvents,
        SlowQueryLog,
        Replicas,
        DatabaseService,
        {
          provide: ReservedDatabase,
          inject: [CONFIG, QueryEvents],
          useFactory: ({ environment }: Config, events: QueryEvents) =>
            new ReservedDatabase(urls.applicationUrl, environment, events),
        },
        {
          provide: PoolMinimum,
          inject: [CONFIG, getDataSourceToken()],
          useFactory: ({ environment }: Config, dataSource: DataSource) =>
            new PoolMinimum(() => primaryPool(dataSource), environment.DB_POOL_MIN),
        },
        Partitions,
      ],
      exports: [DATABASE_URLS, QueryEvents, DatabaseService, ReservedDatabase, Partitions],
    };
  }
}

/** A restart of the database ends all connections of the pool at once: that is one thing to say. */
function tellOfLostConnections(): (error: Error) => void {
  const logger = new Logger('Database');
  const quiet = new QuietPeriod(10_000);
  return (error) => {
    if (quiet.pass() !== undefined)
      logger.warn(`Connections of the pool were ended: ${error.message}; new ones are opened`);
  };
}
