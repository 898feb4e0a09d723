import { Pool } from 'pg';
import { createCache } from 'cache-manager';
import { Keyv } from 'keyv';
import type { CacheEntry } from '../src/cache/cache-entry';
import type { CacheService } from '../src/cache/cache.service';
import { KeyvStore } from '../src/cache/keyv-store';
import { CacheAside } from '../src/cache/patterns/cache-aside';
import { ReadThrough } from '../src/cache/patterns/read-through';
import { WriteBack, type DurableQueue, type Waiting } from '../src/cache/patterns/write-back';
import { WriteThrough, type TaggedEntry } from '../src/cache/patterns/write-through';
import { newId } from '../src/common/id';
import type { DatabaseService } from '../src/database/database.service';
import type { Transaction } from '../src/database/transaction';
import { closeCaches, connectedCache, until } from './support/cache-lab';
import { emptyDatabase } from './support/database';
import { openDatabaseService } from './support/database-service';

const RACES = 1_000;

let pool: Pool;
let database: DatabaseService;
let close: () => Promise<void>;
let cache: CacheService;

beforeAll(async () => {
  const { ownerUrl } = await emptyDatabase();
  pool = new Pool({ connectionString: ownerUrl });
  ({ database, close } = await openDatabaseService(ownerUrl));
  await pool.query(`CREATE TABLE prices (id text PRIMARY KEY, price int NOT NULL CHECK (price >= 0));
    CREATE TABLE waiting_prices (place bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id text, price int)`);
});
beforeEach(async () => {
  ({ cache } = await connectedCache({ url: process.env['TEST_REDIS_URL'] as string }));
});
afterEach(closeCaches);
afterAll(async () => {
  await close();
  await pool.end();
});

const priceEntry = (id: string): CacheEntry<number | null> => ({
  key: ['price', id],
  ttlSeconds: 60,
  tags: [],
});

const stored = async (id: string): Promise<number | null> => {
  const { rows } = await pool.query<{ price: number }>('SELECT price FROM prices WHERE id = $1', [id]);
  return rows[0]?.price ?? null;
};

const STORE = 'INSERT INTO prices VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET price = $2';
const store = async (id: string, price: number | null): Promise<void> => {
  await pool.query(STORE, [id, price]);
};

const taggedPrice = (id: string): TaggedEntry<number | null> => ({
  ...priceEntry(id),
  tags: [`price:${id}`],
});

/** @param load counts, or fails */
const writingThrough = (by: CacheService, load = stored): WriteThrough<string, number | null> =>
  new WriteThrough(by, database, taggedPrice, load, async (tx: Transaction, id, price) => {
    await tx.query(STORE, [id, price]);
  });

/** A table as the durable queue: rows are handed over under a lock of their key. */
class PriceQueue implements DurableQueue<string, number | null> {
  async append({ key, value }: Waiting<string, number | null>): Promise<void> {
    await pool.query('INSERT INTO waiting_prices (id, price) VALUES ($1, $2)', [key, value]);
  }

  async latest(key: string): Promise<Waiting<string, number | null> | undefined> {
    const { rows } = await pool.query<{ price: number }>(
      'SELECT price FROM waiting_prices WHERE id = $1 ORDER BY place DESC LIMIT 1',
      [key],
    );
    return rows[0] && { key, value: rows[0].price };
  }

  async handOver(keep: (item: Waiting<string, number | null>) => Promise<void>): Promise<boolean> {
    const client = await pool.connect();
    try {
      await client.query('BEGIN');
      await client.query('LOCK TABLE waiting_prices IN SHARE ROW EXCLUSIVE MODE');
      const { rows } = await client.query<{ place: string; id: string; price: number }>(
        'SELECT * FROM waiting_prices ORDER BY place LIMIT 1',
      );
      const [row] = rows;
      if (row !== undefined) {
        await keep({ key: row.id, value: row.price });
        await client.query('DELETE FROM waiting_prices WHERE place = $1', [row.place]);
      }
      await client.query('COMMIT');
      return row !== undefined;
    } catch (error) {
      await client.query('ROLLBACK');
      throw error;
    } finally {
      client.release();
    }
  }
}

describe('the patterns', () => {
  it('cache-aside: computes once, and again after it was told to forget', async () => {
    const prices = new CacheAside(cache, priceEntry);
    const id = newId();
    await store(id, 1);
    expect(await prices.read(id, () => stored(id))).toBe(1);
    await store(id, 2);
    expect(await prices.read(id, () => stored(id))).toBe(1);
    await prices.forget(id);
    expect(await prices.read(id, () => stored(id))).toBe(2);
  });

  it('read-through: callers know only the cache', async () => {
    const load = jest.fn(stored);
    const prices = new ReadThrough(cache, priceEntry, load);
    const id = newId();
    await store(id, 1);
    expect([await prices.read(id), await prices.read(id)]).toEqual([1, 1]);
    expect(load).toHaveBeenCalledTimes(1);
  });

  it('write-through: what was stored is at hand, what was refused is not', async () => {
    const load = jest.fn(stored);
    const prices = writingThrough(cache, load);
    const id = newId();
    await prices.write(id, 3);
    load.mockClear();
    expect([await prices.read(id), await stored(id)]).toEqual([3, 3]);
    expect(cache.peek(taggedPrice(id))?.value).toBe(3);
    await expect(prices.write(id, -1)).rejects.toThrow('prices_price_check');
    expect(await prices.read(id)).toBe(3);
    expect(load).not.toHaveBeenCalled();
  });

  it('write-through: what was committed is written, also where it cannot be read back', async () => {
    const load = jest.fn(stored);
    const prices = writingThrough(cache, load);
    const id = newId();
    load.mockRejectedValueOnce(new Error('the connection was lost'));
    await prices.write(id, 3);
    expect([await stored(id), await prices.read(id)]).toEqual([3, 3]);
  });

  it('write-through: of two writers at once the one counts that the database took last, 1000 times', async () => {
    const url = process.env['TEST_REDIS_URL'] as string;
    const [{ cache: neighbour }, { cache: reader }] = [
      await connectedCache({ url }),
      await connectedCache({ url, firstTierBytes: 0 }),
    ];
    const [one, other] = [writingThrough(cache), writingThrough(neighbour)];
    const id = newId();
    for (let race = 0; race < RACES; race++) {
      await Promise.all([one.write(id, 2 * race), other.write(id, 2 * race + 1)]);
      const last = await stored(id);
      // What is shared is right at once; what a process has in memory when a message has arrived.
      expect([last, undefined]).toContain(await reader.get(taggedPrice(id)));
      for (const prices of [one, other]) await until(async () => (await prices.read(id)) === last);
      expect(await reader.get(taggedPrice(id))).toBe(last);
    }
  });

  it('write-back: acknowledged when it is queued, stored in order, and again after a crash', async () => {
    const seen: (number | null)[] = [];
    let dies = true;
    const dying = async (id: string, price: number | null) => {
      await store(id, price);
      seen.push(price);
      if (dies && price === 2) throw new Error('killed between storing and forgetting');
    };
    const id = newId();
    const prices = new WriteBack(cache, priceEntry, stored, dying, new PriceQueue());
    for (const price of [1, 2, 3]) await prices.write(id, price);
    expect([await prices.read(id), await stored(id)]).toEqual([3, null]);
    await expect(prices.flush()).rejects.toThrow('killed');
    dies = false;
    const afterCrash = new WriteBack(cache, priceEntry, stored, dying, new PriceQueue());
    expect(await afterCrash.flush()).toBe(2);
    expect(seen).toEqual([1, 2, 2, 3]);
    expect([await afterCrash.read(id), await stored(id)]).toEqual([3, 3]);
  });

  it('write-back: says so when the queue does not take it', async () => {
    const queue = new PriceQueue();
    queue.append = () => Promise.reject(new Error('the disk is full'));
    const prices = new WriteBack(cache, priceEntry, stored, store, queue);
    const id = newId();
    await expect(prices.write(id, 1)).rejects.toThrow('the disk is full');
    expect(await prices.read(id)).toBeNull();
  });
});

describe('what packages keep by cache-manager', () => {
  it('lies in the same tiers, ends when they say, and is cleared without touching anything else', async () => {
    const manager = createCache({ stores: [new Keyv({ store: new KeyvStore(cache) })] });
    const [key, ours] = [newId(), cache.buildKey('ours', newId())];
    await cache.set(ours, 1);
    await manager.set(key, { at: [1, 2] }, 60_000);
    const { cache: neighbour } = await connectedCache({ url: process.env['TEST_REDIS_URL'] as string });
    const elsewhere = createCache({ stores: [new Keyv({ store: new KeyvStore(neighbour) })] });
    expect(await elsewhere.get(key)).toEqual({ at: [1, 2] });
    expect(await elsewhere.wrap(key, () => Promise.reject(new Error('is kept')))).toEqual({ at: [1, 2] });
    await manager.set('short', 1, 30);
    await until(async () => (await manager.get('short')) === undefined);
    await manager.del(key);
    await until(async () => (await elsewhere.get(key)) === undefined);
    await manager.set(key, 2);
    await elsewhere.clear();
    await until(async () => (await manager.get(key)) === undefined);
    expect(await cache.get(ours)).toBe(1);
  });
});
