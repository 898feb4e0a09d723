import { isIP } from 'node:net';
import { z } from 'zod';

/**
 * One schema of every environment variable. `.env.example` lists the same names with what they mean.
 * Empty strings count as unset, so that `VAR=` in a compose file means the default.
 */

const optionalFlag = z
  .enum(['true', 'false'])
  .transform((text) => text === 'true')
  .optional();

const onByDefault = z
  .enum(['true', 'false'])
  .default('true')
  .transform((text) => text === 'true');

const whole = (least: number, most: number, fallback: number) =>
  z.coerce
    .number(`must be a whole number from ${least} to ${most}`)
    .int()
    .min(least)
    .max(most)
    .default(fallback);

/** A URL that whatever reads it later can take apart too: there a wrong one would end in a stack, secrets included. */
const urlOf = (form: RegExp, example: string) =>
  z
    .string()
    .refine(
      (text) => form.test(text) && URL.canParse(text) && isDecodable(text),
      `must look like ${example}, with % and other special characters percent-encoded`,
    );

const postgresUrl = urlOf(/^postgres(ql)?:\/\/[^/]+@/, 'postgres://user:password@host:5432/database');

/** One server, or nodes of a cluster, separated by commas; a cluster has no numbered databases. */
const redisUrl = z.string().superRefine((text, context) => {
  const nodes = text.split(',').map((node) => node.trim());
  const form = nodes.length === 1 ? /^rediss?:\/\/[^/]+(\/\d*)?(\?.*)?$/ : /^rediss?:\/\/[^/]+\/?$/;
  const schemes = new Set(nodes.map((node) => node.split(':')[0]));
  if (schemes.size === 1 && nodes.every((node) => form.test(node) && URL.canParse(node) && isDecodable(node)))
    return;
  const example = 'redis://host:6379, or redis://a:6379,redis://b:6379 for a cluster';
  context.addIssue({
    code: 'custom',
    message: `must look like ${example}, with % and other special characters percent-encoded`,
  });
});

function isDecodable(url: string): boolean {
  try {
    decodeURIComponent(url);
    return true;
  } catch {
    return false;
  }
}

/** true, false, a number of hops, or addresses and networks, separated by commas. */
const proxies = z.string().refine((text) => {
  const address = /^(.+?)(?:\/(\d{1,3}))?$/;
  const known = (part: string) => ['loopback', 'linklocal', 'uniquelocal'].includes(part);
  const inRange = (part: string) => {
    const [, ip = '', bits] = address.exec(part) ?? [];
    return isIP(ip) !== 0 && Number(bits ?? 0) <= (isIP(ip) === 4 ? 32 : 128);
  };
  if (/^(true|false|\d{1,3})$/.test(text)) return true;
  return text.split(',').every((part) => known(part.trim()) || inRange(part.trim()));
}, 'must be true, false, a number of hops, or addresses such as 10.0.0.0/8, separated by commas');

const list = z
  .string()
  .transform((text) =>
    text
      .split(',')
      .map((entry) => entry.trim())
      .filter(Boolean),
  )
  .default([]);

const postgresUrls = list.refine(
  (urls) => urls.every((url) => postgresUrl.safeParse(url).success),
  'must be such as postgres://user:password@host:5432/database, separated by commas, with % and other special characters percent-encoded',
);

export const environmentSchema = z.object({
  NODE_ENV: z.enum(['development', 'test', 'production']).default('development'),
  PORT: whole(0, 65_535, 8080),
  HOST: z.string().min(1).default('127.0.0.1'),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  DATABASE_URL: postgresUrl.optional(),
  DATABASE_MIGRATION_URL: postgresUrl.optional(),
  DATABASE_REPLICA_URLS: postgresUrls,
  DATA_DIR: z.string().min(1).default('./.data'),
  REDIS_URL: redisUrl.optional(),
  DEMO_DATA: optionalFlag,
  JWT_SECRET: z.string().min(32, 'must have 32 characters or more').optional(),
  ADMIN_EMAIL: z.email().max(254).optional(),
  ADMIN_PASSWORD: z.string().min(12, 'must have 12 characters or more').max(128).optional(),
  SETTLEMENT_CURRENCY: z
    .string()
    .regex(/^[A-Z]{3}$/, 'must be a three-letter ISO 4217 code such as THB')
    .default('THB'),
  FEE_BPS: whole(0, 1_000, 100),
  REQUIRE_VERIFIED_EMAIL: optionalFlag,
  CORS_ORIGINS: list,
  TRUST_PROXY: proxies.optional(),
  BODY_LIMIT_BYTES: whole(1_024, 64 * 1024 * 1024, 1024 * 1024),
  RATE_LIMIT_ENABLED: optionalFlag,
  RATE_LIMIT_WINDOW_S: whole(1, 3_600, 60),
  RATE_LIMIT_AUTH: whole(1, 1_000_000, 5),
  RATE_LIMIT_ADMIN: whole(1, 1_000_000, 60),
  RATE_LIMIT_API: whole(1, 1_000_000, 300),
  RATE_LIMIT_TRADING: whole(1, 1_000_000, 600),
  RATE_LIMIT_READINGS: whole(1, 1_000_000, 600),
  RATE_LIMIT_PUBLIC: whole(1, 1_000_000, 600),
  METRICS_ENABLED: onByDefault,
  METRICS_TOKEN: z.string().min(16, 'must have 16 characters or more').optional(),
  OTEL_EXPORTER_OTLP_ENDPOINT: urlOf(/^https?:\/\/[^/]/, 'http://collector:4318').optional(),
  OTEL_SERVICE_NAME: z.string().min(1).max(100).default('gridtokenx'),
  OTEL_TRACES_SAMPLER_ARG: z.coerce.number('must be a number from 0 to 1').min(0).max(1).default(1),
  PUBLIC_URL: z.url().optional(),
  SMTP_URL: urlOf(/^smtps?:\/\/[^/]/, 'smtp://user:password@host:587').optional(),
  MAIL_FROM: z.string().min(3).max(254).default('GridTokenX <no-reply@localhost>'),
  REDIS_MAX_CONNECTIONS: whole(2, 64, 2),
  REDIS_CONNECT_TIMEOUT_MS: whole(10, 60_000, 2_000),
  REDIS_COMMAND_TIMEOUT_MS: whole(1, 10_000, 50),
  CACHE_DEFAULT_TTL_S: whole(1, 86_400, 300),
  CACHE_L1_MAX_BYTES: whole(0, 64 * 1024 ** 3, 64 * 1024 ** 2),
  CACHE_MAX_VALUE_BYTES: whole(1_024, 512 * 1024 ** 2, 1024 ** 2),
  CACHE_COMPRESS_ABOVE_BYTES: whole(0, 512 * 1024 ** 2, 32 * 1024),
  CACHE_WARM_LOADS_PER_SECOND: whole(0, 1_000, 20),
  DB_POOL_MAX: whole(2, 500, 20),
  DB_POOL_MIN: whole(0, 500, 5),
  DB_ACQUIRE_TIMEOUT_MS: whole(100, 600_000, 30_000),
  DB_IDLE_TIMEOUT_MS: whole(1_000, 3_600_000, 600_000),
  DB_MAX_LIFETIME_S: whole(1, 86_400, 1_800),
  DB_STATEMENT_TIMEOUT_MS: whole(100, 600_000, 15_000),
  DB_SLOW_QUERY_MS: whole(0, 600_000, 200),
  DB_REPLICA_MAX_LAG_MS: whole(100, 3_600_000, 10_000),
  MONITORING_RETENTION_DAYS: whole(1, 366, 14),
});

/** What must be there because of what else is there; asked of the given texts, so that one wrong value hides nothing. */
export function missingIn(given: NodeJS.ProcessEnv): { path: string[]; message: string }[] {
  const external = given['DATABASE_URL'] !== undefined;
  const production = given['NODE_ENV'] === 'production';
  const missing: { path: string[]; message: string }[] = [];
  const demand = (name: string, condition: boolean, message: string) => {
    if (!condition) missing.push({ path: [name], message });
  };
  demand(
    'DATABASE_URL',
    external || !production,
    'is required in production: the embedded database is for trying things out',
  );
  demand(
    'JWT_SECRET',
    given['JWT_SECRET'] !== undefined || !(external || production),
    'is required with DATABASE_URL: every process must sign with the same secret of 32 characters or more',
  );
  demand(
    'DATABASE_MIGRATION_URL',
    external || given['DATABASE_MIGRATION_URL'] === undefined,
    'needs DATABASE_URL beside it',
  );
  demand(
    'DATABASE_REPLICA_URLS',
    external || given['DATABASE_REPLICA_URLS'] === undefined,
    'needs DATABASE_URL beside it',
  );
  demand(
    'DB_POOL_MIN',
    !(Number(given['DB_POOL_MIN'] ?? 5) > Number(given['DB_POOL_MAX'] ?? 20)),
    'must not be above DB_POOL_MAX',
  );
  for (const name of ['ADMIN_EMAIL', 'ADMIN_PASSWORD', 'SMTP_URL', 'METRICS_TOKEN']) {
    demand(name, given[name] !== undefined || !production, 'is required in production');
  }
  return missing;
}

export type Environment = z.output<typeof environmentSchema>;
