import { join } from 'node:path';
import { types, type CustomTypesConfig } from 'pg';
import type { DataSourceOptions } from 'typeorm';
import type { Environment } from '../config/environment';
import { SnakeCaseNaming } from './naming-strategy';

/** int8 becomes `bigint`: money and energy never pass through a float. Other types as pg reads them. */
const exactTypes: CustomTypesConfig = {
  getTypeParser: (oid, format) =>
    oid === types.builtins.INT8 && format !== 'binary'
      ? BigInt
      : (types.getTypeParser(oid, format) as unknown),
};

type Limits = Pick<
  Environment,
  | 'DB_POOL_MAX'
  | 'DB_POOL_MIN'
  | 'DB_ACQUIRE_TIMEOUT_MS'
  | 'DB_IDLE_TIMEOUT_MS'
  | 'DB_MAX_LIFETIME_S'
  | 'DB_STATEMENT_TIMEOUT_MS'
>;

/** How the application reaches PostgreSQL: pool and limits from the environment. */
export function applicationDataSource(url: string, limits: Limits): DataSourceOptions {
  return {
    type: 'postgres',
    url,
    namingStrategy: new SnakeCaseNaming(),
    synchronize: false,
    applicationName: 'gridtokenx',
    extra: {
      types: exactTypes,
      max: limits.DB_POOL_MAX,
      min: limits.DB_POOL_MIN,
      connectionTimeoutMillis: limits.DB_ACQUIRE_TIMEOUT_MS,
      idleTimeoutMillis: limits.DB_IDLE_TIMEOUT_MS,
      maxLifetimeSeconds: limits.DB_MAX_LIFETIME_S,
      statement_timeout: limits.DB_STATEMENT_TIMEOUT_MS,
      idle_in_transaction_session_timeout: 60_000,
      keepAlive: true,
    },
  };
}

/** How migrations reach it: as the owner, one connection, no statement timeout. */
export function migrationDataSource(ownerUrl: string): DataSourceOptions {
  return {
    type: 'postgres',
    url: ownerUrl,
    namingStrategy: new SnakeCaseNaming(),
    synchronize: false,
    applicationName: 'gridtokenx migrations',
    migrations: [join(__dirname, '../../migrations/*.{js,ts}')],
    migrationsTableName: 'migrations',
    extra: { max: 2 },
  };
}
