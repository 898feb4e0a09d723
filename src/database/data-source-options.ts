import { join } from 'node:path';
import { types, type CustomTypesConfig, type PoolConfig } from 'pg';
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

const APPLICATION = 'gridtokenx';
/**
 * A statement is planned once for a connection, whatever its values. Left alone PostgreSQL plans the first rows of a large
 * set anew each time, which takes as long as reading them. So no statement may need to know a value to find its index;
 * one that does goes through `DatabaseService.queryPlanned`.
 */
const PLAN_ONCE = '-c plan_cache_mode=force_generic_plan';
/** A transaction waits for nothing but its own statements: one that stands still for so long holds its locks for nothing. */
const IDLE_IN_TRANSACTION_MS = 60_000;
/** An idle connection is asked that often whether the other end is still there. */
const KEEP_ALIVE_MS = 10_000;
/** Where there is a primary to ask instead, nobody waits long for a replica. */
const REPLICA_CONNECT_MS = 2_000;

const RESERVED = {
  connections: 2,
  /** Always open. */
  leastConnections: 1,
  /** Whoever looks for what is wrong is told soon that there is more of it. */
  connectMs: 2_000,
  statementMs: 7_000,
  longerMs: 500,
};

/** What the environment says about connections. */
export type Limits = Pick<
  Environment,
  | 'DATABASE_REPLICA_URLS'
  | 'DB_POOL_MAX'
  | 'DB_POOL_MIN'
  | 'DB_ACQUIRE_TIMEOUT_MS'
  | 'DB_IDLE_TIMEOUT_MS'
  | 'DB_MAX_LIFETIME_S'
  | 'DB_STATEMENT_TIMEOUT_MS'
>;

/** Pool and limits of every connection that the application works with. */
function poolLimits(limits: Limits) {
  return {
    types: exactTypes,
    max: limits.DB_POOL_MAX,
    min: limits.DB_POOL_MIN,
    connectionTimeoutMillis: limits.DB_ACQUIRE_TIMEOUT_MS,
    idleTimeoutMillis: limits.DB_IDLE_TIMEOUT_MS,
    maxLifetimeSeconds: limits.DB_MAX_LIFETIME_S,
    statement_timeout: limits.DB_STATEMENT_TIMEOUT_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    options: PLAN_ONCE,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
  } satisfies PoolConfig;
}

/**
 * How the application reaches PostgreSQL: pool and limits from the environment.
 * @param onPoolError hears of connections that broke while nobody used them
 */
export function applicationDataSource(
  url: string,
  limits: Limits,
  onPoolError: (error: Error) => void,
): DataSourceOptions {
  return {
    type: 'postgres',
    url,
    // Everything goes to the primary that does not ask for a replica. Which replicas there are at a moment, `Replicas` says.
    ...(limits.DATABASE_REPLICA_URLS.length > 0 && {
      replication: { master: { url }, slaves: [], defaultMode: 'master' as const },
    }),
    namingStrategy: new SnakeCaseNaming(),
    synchronize: false,
    applicationName: APPLICATION,
    poolErrorHandler: onPoolError,
    extra: poolLimits(limits),
  };
}

/** A few connections that are kept for those who mend what uses up the others: one stays open, and nothing takes long. */
export function reservedDataSource(url: string, limits: Limits) {
  return {
    type: 'postgres',
    url,
    applicationName: `${APPLICATION} reserve`,
    installExtensions: false,
    poolErrorHandler: () => undefined, // whoever asks next is told
    extra: {
      ...poolLimits(limits),
      max: RESERVED.connections,
      min: RESERVED.leastConnections,
      // A new one in its place could not be had from a server that is used up.
      maxLifetimeSeconds: 0,
      connectionTimeoutMillis: RESERVED.connectMs,
      statement_timeout: RESERVED.statementMs,
      query_timeout: RESERVED.statementMs + RESERVED.longerMs,
    },
  } satisfies DataSourceOptions;
}

/** The pool of one replica: nothing is kept warm, and what does not answer in time is given up. */
export function replicaPool(url: string, limits: Limits): PoolConfig {
  return {
    ...poolLimits(limits),
    connectionString: url,
    application_name: APPLICATION,
    min: 0,
    connectionTimeoutMillis: Math.min(limits.DB_ACQUIRE_TIMEOUT_MS, REPLICA_CONNECT_MS),
    query_timeout: limits.DB_STATEMENT_TIMEOUT_MS + REPLICA_CONNECT_MS,
  };
}

/** How migrations reach it: as the owner, without a statement timeout. */
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
