import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { migrate } from '../../src/database/schema/migrate';
import type { DatabaseUrls } from '../../src/database/database.module';
import { until } from './eventually';

const TEMPLATE = 'gridtokenx_migrated';
/** Test workers take turns in making the template. */
const TEMPLATE_LOCK = 47_110_002;

function variable(name: string): string {
  const value = process.env[name];
  if (value === undefined)
    throw new Error(`${name} is not set: the global set-up of Jest starts the servers and sets it`);
  return value;
}

const at = (url: string, database: string): string => {
  const place = new URL(url);
  place.pathname = `/${database}`;
  return place.toString();
};

/** Runs statements as the owner of a database: what the application itself must not be able to do. */
export async function asOwner<Row = Record<string, unknown>>(
  urls: DatabaseUrls,
  text: string,
  values: unknown[] = [],
): Promise<Row[]> {
  const client = new Client({ connectionString: urls.ownerUrl });
  await client.connect();
  try {
    return (await client.query(text, values)).rows as Row[];
  } finally {
    await client.end();
  }
}

/** Waits until somebody waits for a session. */
export function untilBlockedBy(urls: DatabaseUrls, pid: number): Promise<void> {
  const blocked = 'SELECT FROM pg_stat_activity WHERE $1 = ANY (pg_blocking_pids(pid))';
  return until(async () => (await asOwner(urls, blocked, [pid])).length > 0);
}

/** An empty database without a schema. */
export async function emptyDatabase(): Promise<DatabaseUrls> {
  return newDatabase('template0');
}

/** A database of its own for a test file, migrated: a copy of a template that is migrated once. */
export async function migratedDatabase(): Promise<DatabaseUrls> {
  const admin = new Client({ connectionString: variable('TEST_OWNER_URL') });
  await admin.connect();
  try {
    await admin.query('SELECT pg_advisory_lock($1)', [TEMPLATE_LOCK]);
    const { rowCount } = await admin.query('SELECT 1 FROM pg_database WHERE datname = $1', [TEMPLATE]);
    if (rowCount === 0) await makeTemplate(admin);
    return await newDatabase(TEMPLATE);
  } finally {
    await admin.end();
  }
}

async function makeTemplate(admin: Client): Promise<void> {
  const building = `${TEMPLATE}_${randomBytes(4).toString('hex')}`;
  await admin.query(`CREATE DATABASE ${building} TEMPLATE template0`);
  await migrate(at(variable('TEST_OWNER_URL'), building), variable('TEST_APPLICATION_URL'));
  await admin.query(`ALTER DATABASE ${building} RENAME TO ${TEMPLATE}`);
}

async function newDatabase(template: string): Promise<DatabaseUrls> {
  const ownerUrl = variable('TEST_OWNER_URL');
  const name = `test_${randomBytes(8).toString('hex')}`;
  const admin = new Client({ connectionString: ownerUrl });
  await admin.connect();
  try {
    await admin.query(`CREATE DATABASE ${name} TEMPLATE ${template}`);
  } finally {
    await admin.end();
  }
  return { ownerUrl: at(ownerUrl, name), applicationUrl: at(variable('TEST_APPLICATION_URL'), name) };
}
