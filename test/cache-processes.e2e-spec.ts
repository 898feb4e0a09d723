import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Client } from 'pg';
import type { CacheEntry } from '../src/cache/cache-entry';
import { NoBus } from '../src/cache/invalidation-bus';
import { PostgresBus } from '../src/cache/postgres-bus';
import { newId } from '../src/common/id';
import type { DatabaseUrls } from '../src/database/database.module';
import type { DatabaseService } from '../src/database/database.service';
import {
  closeCaches,
  connectedCache,
  RedisProcess,
  slowLoad,
  someEntry,
  until,
  type LabCache,
} from './support/cache-lab';
import { emptyDatabase } from './support/database';
import { openDatabaseService } from './support/database-service';

const redisUrl = () => process.env['TEST_REDIS_URL'] as string;
const RACES = 1_000;

const open: { close: () => Promise<unknown> }[] = [];
let urls: DatabaseUrls;

beforeAll(async () => {
  urls = await emptyDatabase();
});

afterEach(async () => {
  await closeCaches();
  await Promise.all(open.splice(0).map(({ close }) => close()));
});

async function database(): Promise<DatabaseService> {
  const opened = await openDatabaseService(urls.ownerUrl);
  open.push(opened);
  return opened.database;
}

const byRedis = () => connectedCache({ url: redisUrl() });
const byPostgres = async () => connectedCache({ bus: new PostgresBus(urls.ownerUrl, await database()) });

/** Asks until the answer is in the memory of that process. */
async function warm({ cache, parts }: LabCache, entry: CacheEntry<number>, value: number): Promise<void> {
  await until(async () => {
    await cache.getOrCompute(entry, () => Promise.resolve(value));
    return parts.first.size.entries > 0 && cache.peek(entry) !== undefined;
  }, 'the first tier');
}

describe.each([
  ['Redis', byRedis],
  ['PostgreSQL', byPostgres],
])('several processes that tell each other by %s', (_name, connect) => {
  let one: LabCache;
  let other: LabCache;

  beforeEach(async () => {
    [one, other] = [await connect(), await connect()];
  });

  it.each([
    ['tag', (entry: CacheEntry<number>) => other.cache.invalidate(entry.tags)],
    ['key', (entry: CacheEntry<number>) => other.cache.delete(entry)],
    ['pattern', (entry: CacheEntry<number>) => other.cache.deletePattern(`test:${entry.key[1]}*`)],
    ['another value', (entry: CacheEntry<number>) => other.cache.set(entry, 2)],
  ])('drop from their memory what another one invalidates by %s', async (_by, invalidate) => {
    const entry = someEntry();
    await warm(one, entry, 1);
    await invalidate(entry);
    await until(() => one.cache.peek(entry) === undefined);
    expect(await one.cache.getOrCompute(entry, () => Promise.resolve(2))).toBe(2);
  });

  it('drop what a transaction changed when it is committed, and keep what it only tried', async () => {
    const service = await database();
    const [entry, beside] = [someEntry(), someEntry()];
    await warm(one, entry, 1);
    await warm(one, beside, 1);
    const failing = service.transaction((tx) => {
      other.cache.invalidateAfterCommit(tx, beside.tags);
      return Promise.reject(new Error('no'));
    });
    await expect(failing).rejects.toThrow('no');
    await service.transaction((tx) => {
      other.cache.invalidateAfterCommit(tx, entry.tags);
      return Promise.resolve();
    });
    await until(() => one.cache.peek(entry) === undefined);
    expect(await one.cache.getOrCompute(entry, () => Promise.resolve(2))).toBe(2);
    expect(one.cache.peek(beside)?.value).toBe(1);
  });

  it('hear of as many tags as one transaction changes', async () => {
    const service = await database();
    const entries = [someEntry(), someEntry()];
    for (const entry of entries) await warm(one, entry, 1);
    const others = Array.from({ length: 3_000 }, () => newId());
    const tags = [entries[0]?.tags[0] as string, ...others, entries[1]?.tags[0] as string];
    await service.transaction((tx) => {
      for (const tag of tags) other.cache.invalidateAfterCommit(tx, [tag]);
      return Promise.resolve();
    });
    await until(() => entries.every((entry) => one.cache.peek(entry) === undefined));
    for (const entry of entries)
      expect(await one.cache.getOrCompute(entry, () => Promise.resolve(2))).toBe(2);
  });

  it('never keep what is older than an invalidation they heard of', async () => {
    // One row of a database that any process may write: whoever wrote invalidates, and is then read by the other.
    const entry = someEntry();
    let row = 0;
    const load = async () => {
      const seen = row;
      await new Promise(setImmediate);
      return seen;
    };
    const invalidations = [
      () => other.cache.invalidate(entry.tags),
      () => other.cache.delete(entry),
      () => other.cache.invalidate(entry.tags),
    ];
    for (let race = 0; race < RACES; race++) {
      const reads = [one.cache.getOrCompute(entry, load), other.cache.getOrCompute(entry, load)];
      row++;
      await (invalidations[race % invalidations.length] as () => Promise<void>)();
      reads.push(one.cache.getOrCompute(entry, load));
      expect(await other.cache.getOrCompute(entry, load)).toBe(row);
      await Promise.all(reads);
    }
    await until(async () => (await one.cache.getOrCompute(entry, load)) === row);
    await until(async () => (await other.cache.getOrCompute(entry, load)) === row);
    const settled = [await one.cache.getOrCompute(entry, load), await other.cache.getOrCompute(entry, load)];
    expect(settled).toEqual([row, row]);
  });
});

describe('a race of loads and invalidations over Redis', () => {
  it.each([
    ['tag', RACES, (lab: LabCache, entry: CacheEntry<number>) => lab.cache.invalidate(entry.tags)],
    ['key', RACES, (lab: LabCache, entry: CacheEntry<number>) => lab.cache.delete(entry)],
    [
      'pattern',
      RACES,
      (lab: LabCache, entry: CacheEntry<number>) => lab.cache.deletePattern(`test:${entry.key[1]}*`),
    ],
  ])('by %s leaves nothing old in Redis, %d times', async (by, races, invalidate) => {
    const server = await RedisProcess.start(); // whose keys are few enough to be looked through so often
    open.push({ close: () => server.stop() });
    const { url } = server;
    const [one, other] = (await Promise.all(
      [0, 1].map(() => connectedCache({ url, firstTierBytes: 0 })),
    )) as [LabCache, LabCache];
    for (let race = 0; race < races; race++) {
      const entry = someEntry(by === 'tag' ? {} : { tags: [] });
      let row = 1;
      const turns = race % 7;
      const load = async () => {
        const seen = row;
        for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate);
        return seen;
      };
      const reading = one.cache.getOrCompute(entry, load);
      for (let turn = 0; turn < race % 5; turn++) await new Promise(setImmediate);
      row = 2;
      await invalidate(other, entry);
      // Whoever invalidated knows at once; the other one may still share a load that began before it hears of it.
      const asked = one.cache.getOrCompute(entry, load);
      expect(await other.cache.getOrCompute(entry, load)).toBe(2);
      await asked;
      await reading;
      expect(await other.cache.getOrCompute(entry, () => Promise.resolve(2))).toBe(2);
    }
  });
});

describe('a value that is set', () => {
  it('counts when it is set after an invalidation by another process, and not when before, 1000 times', async () => {
    const [one, other, reader] = [await byRedis(), await byRedis(), await byRedis()];
    const entry = someEntry({ tags: [newId(), newId()] });
    for (let race = 0; race < RACES; race++) {
      await other.cache.invalidate([entry.tags[race % 2] as string]);
      // Nobody waits for the message: what this process saw of the tags last is what they were.
      expect(await one.cache.set(entry, race)).toBe(true);
      expect(await reader.cache.get({ ...entry, sharedOnly: true })).toBe(race);
      const setting = one.cache.set(entry, -1);
      await other.cache.invalidate(entry.tags);
      await setting;
      await other.cache.invalidate(entry.tags);
      expect(await reader.cache.get({ ...entry, sharedOnly: true })).toBeUndefined();
    }
  });

  it('is not kept while a tag is about to change', async () => {
    const [one, other] = [await byRedis(), await byRedis()];
    const entry = someEntry();
    expect(await one.cache.set(entry, 1)).toBe(true);
    await other.parts.shared?.invalidations.hold(entry.tags, 'somebody');
    expect(await one.cache.set(entry, 2)).toBe(false);
    expect(await one.cache.get(entry)).toBeUndefined();
    await other.parts.shared?.invalidations.deliver({ tags: entry.tags }, 'somebody');
    expect(await one.cache.set(entry, 3)).toBe(true);
    expect(await other.cache.get(entry)).toBe(3);
  });
});

describe('many callers', () => {
  it('of one cold key in two caches are served by one load', async () => {
    const [one, other] = [await byRedis(), await byRedis()];
    const entry = someEntry();
    const slow = slowLoad<number>();
    let loads = 0;
    const load = () => {
      loads++;
      return slow.load();
    };
    const answers = [one, other].flatMap(({ cache }) =>
      Array.from({ length: 10_000 }, () => cache.getOrCompute(entry, load)),
    );
    await slow.begun;
    slow.end(7);
    expect(new Set(await Promise.all(answers))).toEqual(new Set([7]));
    expect(loads).toBe(1);
  });
});

/** Another process with a cache and a transaction of its own; see its file for what it understands. */
class Neighbour {
  private constructor(readonly child: ChildProcess) {}

  static async start(variables: Record<string, string>): Promise<Neighbour> {
    const script = join(__dirname, 'support/cache-process.mjs');
    const child = fork(script, {
      env: { ...process.env, ...variables },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    const neighbour = new Neighbour(child);
    open.push({ close: () => neighbour.kill() });
    await neighbour.says('ready');
    return neighbour;
  }

  async says(what: string): Promise<Record<string, unknown>> {
    const ended = once(this.child, 'exit').then(([code, signal]) => {
      throw new Error(`The other process ended (${code ?? signal}) before it said ${what}`);
    });
    for (;;) {
      const [message] = (await Promise.race([once(this.child, 'message'), ended])) as [
        Record<string, unknown>,
      ];
      if (message['type'] === what) return message;
    }
  }

  ask(type: string, rest: Record<string, unknown> = {}): void {
    this.child.send({ type, ...rest });
  }

  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill('SIGKILL');
    await once(this.child, 'exit');
  }
}

describe('two true processes', () => {
  it('load one cold key once for 10 000 callers in each', async () => {
    const counter = newId();
    const [one, other] = (await Promise.all(
      [0, 1].map(() => Neighbour.start({ REDIS_URL: redisUrl() })),
    )) as [Neighbour, Neighbour];
    const entry = someEntry();
    const done = [one, other].map((neighbour) => neighbour.says('answered'));
    for (const neighbour of [one, other]) neighbour.ask('callers', { entry, callers: 10_000, counter });
    const answers = await Promise.all(done);
    expect(answers.map(({ distinct }) => distinct)).toEqual([[7], [7]]);
    const { cache } = await byRedis();
    expect(await cache.increment(counter)).toBe(2); // one load, and ours
  });

  it.each([
    ['Redis', () => ({ REDIS_URL: redisUrl(), DATABASE_URL: urls.ownerUrl }), byRedis],
    ['PostgreSQL', () => ({ DATABASE_URL: urls.ownerUrl }), byPostgres],
  ])(
    'leave nothing stale when one is killed between commit and invalidation, by %s',
    async (_by, variables, connect) => {
      const admin = new Client({ connectionString: urls.ownerUrl });
      await admin.connect();
      open.push({ close: () => admin.end() });
      await admin.query('CREATE TABLE IF NOT EXISTS killed (id uuid PRIMARY KEY)');
      const [reader, neighbour] = await Promise.all([connect(), Neighbour.start(variables())]);
      const entry = someEntry();
      const id = newId();
      const rows = async () =>
        (await admin.query('SELECT 1 FROM killed WHERE id = $1', [id])).rowCount as number;
      await warm(reader, entry, await rows());
      neighbour.ask('commitAndDie', { tags: entry.tags, id });
      await once(neighbour.child, 'exit');
      expect(neighbour.child.signalCode).toBe('SIGKILL');
      expect(await rows()).toBe(1);
      await until(async () => (await reader.cache.getOrCompute(entry, rows)) === 1);
      // And it is cached again, as soon as the dead one's hold has ended.
      await until(() => reader.cache.getOrCompute(entry, rows).then(() => reader.cache.peek(entry)));
      expect(reader.cache.peek(entry)?.value).toBe(1);
    },
  );
});

describe('a process that cannot hear the others', () => {
  it('keeps nothing in memory until it listens again, by PostgreSQL', async () => {
    const lab = await byPostgres();
    const entry = someEntry();
    await warm(lab, entry, 1);
    const admin = new Client({ connectionString: urls.ownerUrl });
    await admin.connect();
    open.push({ close: () => admin.end() });
    await admin.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'gridtokenx cache' AND datname = current_database()`,
    );
    await until(() => !lab.parts.first.isOpen);
    expect(await lab.cache.getOrCompute(entry, () => Promise.resolve(2))).toBe(2);
    await until(() => lab.parts.first.isOpen);
    await warm(lab, entry, 3);
  });

  it('keeps nothing in memory until it is told by nobody but itself', async () => {
    const bus = new NoBus();
    const lab = await connectedCache({ bus });
    lab.parts.invalidations.lost();
    const entry = someEntry();
    let loads = 0;
    const load = () => Promise.resolve(++loads);
    expect([await lab.cache.getOrCompute(entry, load), await lab.cache.getOrCompute(entry, load)]).toEqual([
      1, 2,
    ]);
    lab.parts.invalidations.listening();
    expect([await lab.cache.getOrCompute(entry, load), await lab.cache.getOrCompute(entry, load)]).toEqual([
      3, 3,
    ]);
  });
});
