import { createHash, randomBytes } from 'node:crypto';
import { Client, escapeIdentifier } from 'pg';
import type { DatabaseUrls } from '../database.module';
import { DatabaseNotUsable, Interrupted } from '../explained-error';
import { sqlState } from '../query-events';
import { SqlState } from '../sql-states';

/** Names that leave room for what follows, within the 63 bytes that PostgreSQL keeps. */
const PLAIN_NAME = /^[\w-]{1,31}$/;

/**
 * Works in an empty database beside this one, and drops it in any case. Those that killed processes left behind are
 * dropped first.
 * @param signal drops the database at once, which ends whatever runs in it
 * @throws DatabaseNotUsable when the role may not create databases; Interrupted after the signal
 */
export async function inThrowAwayDatabase<Result>(
  urls: DatabaseUrls,
  work: (urls: DatabaseUrls) => Promise<Result>,
  signal?: AbortSignal,
): Promise<Result> {
  const beside = new Client({
    connectionString: urls.ownerUrl,
    application_name: 'gridtokenx throw-away database',
  });
  // A server that goes away ends the query with an error; without a listener the same news would end the process.
  beside.on('error', () => undefined);
  await beside.connect();
  try {
    return await between(beside, urls, work, signal);
  } finally {
    await beside.end();
  }
}

async function between<Result>(
  beside: Client,
  urls: DatabaseUrls,
  work: (urls: DatabaseUrls) => Promise<Result>,
  signal: AbortSignal | undefined,
): Promise<Result> {
  const prefix = `${await stemOf(beside)}_throwaway_`;
  await dropForgotten(beside, prefix);
  const name = `${prefix}${randomBytes(6).toString('hex')}`;
  // Says that somebody works in it, for as long as this session lives.
  await beside.query('SELECT pg_advisory_lock(hashtextextended($1, 0))', [name]);
  let gone: Promise<void> | undefined;
  const drop = (): Promise<void> => (gone ??= dropDatabase(beside, name));
  const dropNow = (): void => void drop().catch(() => undefined);
  try {
    refuseInterrupted(signal);
    await create(beside, name, urls.ownerUrl);
    signal?.addEventListener('abort', dropNow);
    refuseInterrupted(signal);
    return await work({ ownerUrl: at(urls.ownerUrl, name), applicationUrl: at(urls.applicationUrl, name) });
  } catch (error) {
    refuseInterrupted(signal);
    throw error;
  } finally {
    signal?.removeEventListener('abort', dropNow);
    await drop();
  }
}

function refuseInterrupted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new Interrupted('Stopped; the throw-away database is gone');
}

async function create(beside: Client, name: string, ownerUrl: string): Promise<void> {
  const { rows } = await beside.query<{ encoding: string; collation: string; character_type: string }>(
    `SELECT quote_literal(pg_encoding_to_char(encoding)) AS encoding, quote_literal(datcollate) AS collation,
            quote_literal(datctype) AS character_type
       FROM pg_database WHERE datname = current_database()`,
  );
  const like = rows[0];
  try {
    await beside.query(
      `CREATE DATABASE ${escapeIdentifier(name)} TEMPLATE template0 ENCODING ${like?.encoding} ` +
        `LC_COLLATE ${like?.collation} LC_CTYPE ${like?.character_type}`,
    );
  } catch (error) {
    if (sqlState(error) !== SqlState.INSUFFICIENT_PRIVILEGE) throw error;
    const role = decodeURIComponent(new URL(ownerUrl).username);
    throw new DatabaseNotUsable(
      `The role ${role} may not create a database to throw away: let a superuser run ALTER ROLE ${escapeIdentifier(role)} CREATEDB, or unset DATABASE_URL to use an embedded database`,
      { cause: error },
    );
  }
}

async function dropDatabase(beside: Client, name: string): Promise<void> {
  await beside.query(`DROP DATABASE IF EXISTS ${escapeIdentifier(name)} WITH (FORCE)`);
}

/** Drops those in which nobody works any more. */
async function dropForgotten(beside: Client, prefix: string): Promise<void> {
  const { rows } = await beside.query<{ name: string }>(
    `SELECT datname AS name FROM pg_database
      WHERE starts_with(datname, $1) AND pg_has_role(datdba, 'USAGE') AND substr(datname, length($1) + 1) ~ '^[0-9a-f]{12}$'`,
    [prefix],
  );
  for (const { name } of rows) {
    const free = await beside.query<{ free: boolean }>(
      'SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS free',
      [name],
    );
    if (free.rows[0]?.free !== true) continue;
    await dropDatabase(beside, name);
    await beside.query('SELECT pg_advisory_unlock(hashtextextended($1, 0))', [name]);
  }
}

/** What the names of throw-away databases beside this one begin with; no other database's begin so. */
async function stemOf(beside: Client): Promise<string> {
  const { rows } = await beside.query<{ name: string }>('SELECT current_database() AS name');
  const name = rows[0]?.name ?? '';
  if (PLAIN_NAME.test(name)) return name;
  const digest = createHash('sha256').update(name).digest('hex').slice(0, 8);
  return `${name.replace(/\W/g, '_').slice(0, 22)}_${digest}`;
}

function at(url: string, database: string): string {
  const place = new URL(url);
  place.pathname = `/${database}`;
  return place.toString();
}
