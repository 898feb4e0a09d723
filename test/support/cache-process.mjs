/**
 * Another process with the built cache, for tests. It understands
 * `callers` {entry, callers, counter}: so many callers of one key whose load counts up in Redis; answers `answered`;
 * `commitAndDie` {tags, id}: writes a row, invalidates with the commit, and is killed the moment it is committed.
 */
import { createRequire } from 'node:module';
import { setTimeout as pause } from 'node:timers/promises';

const require = createRequire(import.meta.url);
const built = (path) => require(`../../dist/src/${path}.js`);
const { Logger } = require('@nestjs/common');
const { DataSource } = require('typeorm');
const { assembleCache } = built('cache/cache-parts');
const { CacheService } = built('cache/cache.service');
const { CacheEvents } = built('cache/cache-events');
const { NoBus } = built('cache/invalidation-bus');
const { PostgresBus } = built('cache/postgres-bus');
const { loadConfig } = built('config/config');
const { applicationDataSource } = built('database/data-source-options');
const { DatabaseService } = built('database/database.service');
const { QueryEvents } = built('database/query-events');
const { Replicas } = built('database/replicas');

Logger.overrideLogger(false);
const { REDIS_URL, DATABASE_URL } = process.env;

async function openDatabase() {
  const config = loadConfig({ DATABASE_URL, JWT_SECRET: 'a secret of tests only, 32 characters or more' });
  const options = applicationDataSource(DATABASE_URL, config.environment, () => undefined);
  const source = await new DataSource(options).initialize();
  return new DatabaseService(source, new QueryEvents(), new Replicas(config, source));
}

const database = DATABASE_URL === undefined ? undefined : await openDatabase();
const settings = {
  defaultTtlSeconds: 300,
  firstTierBytes: 16 * 1024 ** 2,
  maxValueBytes: 1024 ** 2,
  compressAboveBytes: 32 * 1024,
  redis:
    REDIS_URL === undefined
      ? undefined
      : { url: REDIS_URL, connectTimeoutMs: 2_000, commandTimeoutMs: 10_000 },
};
const bus = database === undefined ? new NoBus() : new PostgresBus(DATABASE_URL, database);
const cache = new CacheService(assembleCache(settings, new CacheEvents(), bus));
while (!(await cache.isAnswering())) await pause(5);

const tasks = {
  async callers({ entry, callers, counter }) {
    const load = async () => {
      await cache.increment(counter);
      await pause(50);
      return 7;
    };
    const answers = await Promise.all(Array.from({ length: callers }, () => cache.getOrCompute(entry, load)));
    process.send({ type: 'answered', distinct: [...new Set(answers)] });
  },
  async commitAndDie({ tags, id }) {
    await database.transaction(async (tx) => {
      tx.afterCommit(() => {
        process.kill(process.pid, 'SIGKILL');
        return new Promise(() => undefined);
      });
      cache.invalidateAfterCommit(tx, tags);
      await tx.query('INSERT INTO killed (id) VALUES ($1)', [id]);
    });
  },
};

process.on('message', ({ type, ...rest }) => void tasks[type](rest));
process.send({ type: 'ready' });
