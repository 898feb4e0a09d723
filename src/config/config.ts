import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join, resolve } from 'node:path';
import { loadEnvFile } from 'node:process';
import { environmentSchema, type Environment } from './environment';

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
  if (!parsed.success) {
    const wrong = parsed.error.issues.map(({ path, message }) => `  ${path.join('.')}: ${message}`);
    throw new ConfigurationError(`Wrong environment, see .env.example:\n${[...new Set(wrong)].join('\n')}`);
  }
  const environment = parsed.data;
  const embedded = environment.DATABASE_URL === undefined;
  const production = environment.NODE_ENV === 'production';
  const dataDir = resolve(environment.DATA_DIR);
  return {
    environment,
    dataDir,
    embedded,
    production,
    jwtSecret: environment.JWT_SECRET ?? generatedSecret(dataDir, 'jwt-secret'),
    currency: environment.SETTLEMENT_CURRENCY,
    feeBps: environment.FEE_BPS,
    requireVerifiedEmail: environment.REQUIRE_VERIFIED_EMAIL ?? production,
    demoData: environment.DEMO_DATA ?? embedded,
  };
}

/** A secret made on first boot and kept in DATA_DIR, readable by its owner only. */
function generatedSecret(dataDir: string, name: string): string {
  const file = join(dataDir, name);
  try {
    mkdirSync(dataDir, { recursive: true });
    if (!existsSync(file))
      writeFileSync(file, randomBytes(48).toString('base64url'), { mode: 0o600, flag: 'wx' });
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigurationError(
      `DATA_DIR ${dataDir} cannot be written (${reason}): choose another folder by DATA_DIR`,
    );
  }
}
