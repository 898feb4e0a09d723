import { chmodSync, mkdtempSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { ensureInstalled } from './debian-program.mjs';
import { startRedis } from './redis-server.mjs';

const require = createRequire(import.meta.url);

/**
 * Starts what the tests run on: a real PostgreSQL by the product's own embedded life cycle, and a real Redis.
 * Workers find them in the environment.
 */
export default async function setUp() {
  ensureInstalled('promtool', 'prometheus'); // alerts and dashboards are tried by it
  const { startEmbeddedPostgres } = require('../../dist/src/database/embedded/embedded-postgres.js');
  const directory = mkdtempSync(join(tmpdir(), 'gridtokenx-test-'));
  chmodSync(directory, 0o755); // as root, PostgreSQL runs as another user, who has to come in
  const start = () => startEmbeddedPostgres({ dataDir: directory, durable: false, say: () => undefined });
  let database = await start();
  await makeRoom(database);
  await database.stop();
  database = await start();
  const redis = await startRedis(directory);
  globalThis.testServers = { directory, database, redis };
  process.env.TEST_OWNER_URL = database.ownerUrl;
  process.env.TEST_APPLICATION_URL = database.appUrl;
  process.env.TEST_REDIS_URL = redis.url;
}

/**
 * All suites share one server. With the usual memory for statements what a test has just run is thrown away before it
 * looks; and every application keeps up to twenty connections for a while, which are more than a hundred when each of
 * several workers has two of them.
 */
async function makeRoom({ ownerUrl }) {
  const client = new Client({ connectionString: ownerUrl });
  await client.connect();
  await client.query('ALTER SYSTEM SET pg_stat_statements.max = 100000');
  await client.query('ALTER SYSTEM SET max_connections = 400');
  await client.end();
}
