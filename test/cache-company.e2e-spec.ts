import { once } from 'node:events';
import { Client } from 'pg';
import type { CacheEntry } from '../src/cache/cache-entry';
import { PostgresBus } from '../src/cache/postgres-bus';
import type { DatabaseUrls } from '../src/database/database.module';
import type { DatabaseService } from '../src/database/database.service';
import { closeCaches, connectedCache, makeCache, someEntry, until, type LabCache } from './support/cache-lab';
import { asOwner, emptyDatabase } from './support/database';
import { openDatabaseService } from './support/database-service';

/** A process with its way to the database. */
interface Process extends LabCache {
  readonly database: DatabaseService;
}

const closing: (() => Promise<unknown>)[] = [];
let urls: DatabaseUrls;

beforeEach(async () => {
  urls = await emptyDatabase();
});
afterEach(async () => {
  await closeCaches();
  for (const close of closing.splice(0)) await close();
});

async function opened(): Promise<DatabaseService> {
  const { database, close } = await openDatabaseService(urls.ownerUrl);
  closing.push(close);
  return database;
}

/** One whose database is embedded may have it to itself. */
async function starts(mayBeAlone: boolean): Promise<Process> {
  const database = await opened();
  return {
    ...(await connectedCache({ bus: new PostgresBus(urls.ownerUrl, database, mayBeAlone) })),
    database,
  };
}

const invalidates = ({ cache, database }: Process, { tags }: CacheEntry<number>): Promise<void> =>
  database.transaction((tx) => {
    cache.invalidateAfterCommit(tx, tags);
    return Promise.resolve();
  });

/** Keeps answers in one process, lets the other one invalidate them, and waits until they are gone. @returns how many */
async function heard(by: Process, from: Process): Promise<number> {
  let gone = 0;
  for (const invalidate of [
    (entry: CacheEntry<number>) => from.cache.invalidate(entry.tags),
    (entry: CacheEntry<number>) => invalidates(from, entry),
  ]) {
    const entry = someEntry();
    await until(async () => {
      await by.cache.getOrCompute(entry, () => Promise.resolve(1));
      return by.cache.peek(entry) !== undefined;
    }, 'the first tier');
    await invalidate(entry);
    await until(() => by.cache.peek(entry) === undefined, 'the invalidation');
    gone++;
  }
  return gone;
}

const isAlone = ({ parts }: Process): boolean => (parts.bus as PostgresBus)['company'].isAlone;

const sessions = async (): Promise<number[]> =>
  (
    await asOwner<{ pid: number }>(
      urls,
      `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'gridtokenx cache'`,
    )
  ).map(({ pid }) => pid);

describe('a process with a database to itself', () => {
  it('tells nobody what it invalidates, and keeps answers', async () => {
    const alone = await starts(true);
    const listener = new Client({ connectionString: urls.ownerUrl });
    await listener.connect();
    closing.push(() => listener.end());
    const said: unknown[] = [];
    listener.on('notification', ({ payload }) => said.push(payload));
    await listener.query('LISTEN gridtokenx_cache');

    const entry = someEntry();
    await alone.cache.getOrCompute(entry, () => Promise.resolve(1));
    expect(alone.cache.peek(entry)?.value).toBe(1);
    await alone.cache.invalidate(entry.tags);
    await invalidates(alone, entry);
    expect(alone.cache.peek(entry)).toBeUndefined();
    await listener.query(`NOTIFY gridtokenx_cache, 'the last one'`);
    if (said.length === 0) await once(listener, 'notification');
    expect(said).toEqual(['the last one']);
  });

  it.each([
    ['of a server of its own', false],
    ['that might have been alone as well', true],
  ])('tells another one %s as soon as it comes, and hears it', async (_kind, mayBeAlone) => {
    const first = await starts(true);
    const second = await starts(mayBeAlone);
    expect(await heard(second, first)).toBe(2);
    expect(await heard(first, second)).toBe(2);
    const third = await starts(false);
    expect(await heard(third, first)).toBe(2);
  });

  it('lets another one keep nothing before the last transaction has ended that was begun in silence', async () => {
    const first = await starts(true);
    let commit: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (commit = resolve));
    const entry = someEntry();
    let isAnnounced = false;
    const writing = first.database.transaction((tx) => {
      first.cache.invalidateAfterCommit(tx, entry.tags);
      tx.beforeCommit('held open', () => {
        isAnnounced = true;
        return held;
      });
      return Promise.resolve();
    });
    await until(() => isAnnounced);

    const bus = new PostgresBus(urls.ownerUrl, await opened());
    const second = makeCache({ bus });
    await until(async () => (await sessions()).length === 2);
    // The first one has heard of it by now: what it does from here on is told.
    await until(async () => {
      const own = await first.database.query<{ alone: boolean }>(
        `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()
                           AND application_name = 'gridtokenx cache' AND query LIKE '%virtualxid = ANY%') AS alone`,
      );
      return own[0]?.alone === true;
    });
    expect(await second.cache.isAnswering()).toBe(false);
    await second.cache.getOrCompute(entry, () => Promise.resolve(1));
    expect(second.cache.peek(entry)).toBeUndefined();

    commit();
    await writing;
    await until(() => second.cache.isAnswering(), 'the second one');
    await second.cache.getOrCompute(entry, () => Promise.resolve(2));
    expect(second.cache.peek(entry)?.value).toBe(2);
  });

  it('tells those who came while its session was lost', async () => {
    const first = await starts(true);
    const [session] = await sessions();
    await asOwner(urls, 'SELECT pg_terminate_backend($1)', [session]);
    const second = await starts(false);
    await until(() => first.cache.isAnswering(), 'the first one');
    expect(await heard(second, first)).toBe(2);
    expect(await heard(first, second)).toBe(2);
  });

  it('is alone again when everybody else has gone, and tells who comes then', async () => {
    const first = await starts(true);
    expect(isAlone(first)).toBe(true);
    const second = await starts(false);
    expect(await heard(second, first)).toBe(2);
    expect(isAlone(first)).toBe(false);
    await second.cache.onApplicationShutdown();
    await until(() => isAlone(first), 'being alone');
    const third = await starts(false);
    expect(isAlone(first)).toBe(false);
    expect(await heard(third, first)).toBe(2);
    expect(await heard(first, third)).toBe(2);
  });
});
