import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { loadEnvFile } from 'node:process';
import { makeDataFolder } from './data-folder';
import { environmentSchema, missingIn, type Environment } from './environment';
import { generatedSecret } from './generated-secret';

/** The settings of this process, checked and with every default filled in. */
export interface Config {
  readonly environment: Environment;
  readonly dataDir: string;
  /** No DATABASE_URL: the database runs embedded in DATA_DIR. */
  readonly embedded: boolean;
  readonly production: boolean;
  readonly jwtSecret: string;
  readonly currency: string;
  readonly feeBps: number;
  readonly requireVerifiedEmail: boolean;
  readonly demoData: boolean;
  readonly rateLimitEnabled: boolean;
}

/** Injection token of {@link Config}. */
export const CONFIG = Symbol('CONFIG');

/** The environment is wrong; the message lists all that is wrong at once. */
export class ConfigurationError extends Error {}

/** Reads `.env` of the working directory, where there is one; variables that are set already win. */
export function readDotEnv(): void {
  if (existsSync('.env')) loadEnvFile('.env');
}

/**
 * Checks the environment.
 * @throws ConfigurationError with a line for every variable that is wrong or missing
 */
export function loadConfig(variables: NodeJS.ProcessEnv): Config {
  const given = Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== ''));
  const parsed = environmentSchema.safeParse(given);
  const wrong = [...(parsed.error?.issues ?? []), ...missingIn(given)].map(
    ({ path, message }) => `  ${path.join('.')}: ${message}`,
  );
  if (!parsed.success || wrong.length > 0)
    throw new ConfigurationError(`Wrong environment, see .env.example:\n${[...new Set(wrong)].join('\n')}`);
  const environment = parsed.data;
  const embedded = environment.DATABASE_URL === undefined;
  const production = environment.NODE_ENV === 'production';
  const dataDir = resolve(environment.DATA_DIR);
  return {
    environment,
    dataDir,
    embedded,
    production,
    jwtSecret: environment.JWT_SECRET ?? secretIn(dataDir),
    currency: environment.SETTLEMENT_CURRENCY,
    feeBps: environment.FEE_BPS,
    requireVerifiedEmail: environment.REQUIRE_VERIFIED_EMAIL ?? production,
    demoData: environment.DEMO_DATA ?? embedded,
    rateLimitEnabled: environment.RATE_LIMIT_ENABLED ?? !embedded,
  };
}

/** The secret of this DATA_DIR, where none is given. */
function secretIn(dataDir: string): string {
  try {
    makeDataFolder(dataDir);
    return generatedSecret(join(dataDir, 'jwt-secret'));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigurationError(
      `DATA_DIR ${dataDir} cannot be used (${reason}): mend that, or choose another folder by DATA_DIR`,
    );
  }
}
