import { Client } from 'pg';
import type { Config } from '../config/config';
import type { DatabaseUrls } from './database.module';
import { startEmbeddedPostgres } from './embedded/embedded-postgres';
import { keepRunning } from './embedded/keep-running';
import { acquireServerLock } from './embedded/server-lock';
import { DatabaseNotUsable } from './explained-error';
import { reasonOf } from './failures';

const CONNECT_TIMEOUT_MS = 5_000;
const OLDEST_VERSION = 150_000;

/** A database that answers, and what to do with it in the end. */
export interface OpenDatabase extends DatabaseUrls {
  /** Leaves the database as it was found: an embedded one is stopped by whoever started it. */
  close(): Promise<void>;
}

type Say = (sentence: string) => void;

/**
 * Finds the database of this configuration: DATABASE_URL, else the embedded one, started when it is not
 * running. A server claims DATA_DIR for itself; commands share it.
 */
export async function openDatabase(
  config: Config,
  purpose: 'server' | 'command',
  say: Say,
): Promise<OpenDatabase> {
  const { DATABASE_URL: url, DATABASE_MIGRATION_URL: ownerUrl } = config.environment;
  if (url === undefined) return openEmbedded(config.dataDir, purpose, say);
  await checkExternal('DATABASE_URL', url);
  if (ownerUrl === undefined) {
    say(
      'DATABASE_MIGRATION_URL is not set: the application works as the owner of its tables, so nothing but its own code keeps the audit trail and the ledger append-only',
    );
  } else {
    await checkExternal('DATABASE_MIGRATION_URL', ownerUrl);
  }
  return { applicationUrl: url, ownerUrl: ownerUrl ?? url, close: () => Promise.resolve() };
}

async function openEmbedded(dataDir: string, purpose: 'server' | 'command', say: Say): Promise<OpenDatabase> {
  const lock = purpose === 'server' ? acquireServerLock(dataDir) : undefined;
  try {
    const database = await startEmbeddedPostgres({ dataDir, say });
    const keeper = lock === undefined ? undefined : keepRunning(database, { dataDir, say });
    return {
      applicationUrl: database.appUrl,
      ownerUrl: database.ownerUrl,
      close: async () => {
        await (keeper === undefined ? database.stopIfUnused() : keeper.stop());
        lock?.release();
      },
    };
  } catch (error) {
    lock?.release();
    throw error;
  }
}

async function checkExternal(variable: string, url: string): Promise<void> {
  let client: Client | undefined;
  try {
    client = new Client({ connectionString: url, connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
    await client.connect();
    const { rows } = await client.query<{ version: string }>(
      `SELECT current_setting('server_version_num') AS version`,
    );
    const version = Number(rows[0]?.version);
    if (version < OLDEST_VERSION) {
      throw new DatabaseNotUsable(
        `${variable} leads to PostgreSQL ${Math.floor(version / 10_000)}: version 15 or later is needed`,
      );
    }
  } catch (error) {
    if (error instanceof DatabaseNotUsable) throw error;
    throw new DatabaseNotUsable(
      `PostgreSQL at ${placeOf(url)} cannot be reached (${reasonOf(error)}): check ${variable} and that the server runs and lets this role in`,
    );
  } finally {
    await client?.end().catch(() => undefined);
  }
}

/** Host, port and database, never the password. */
function placeOf(url: string): string {
  const { host, pathname } = new URL(url);
  return `${host}${pathname}`;
}
