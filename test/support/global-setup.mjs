import { chmodSync, mkdtempSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
  const database = await startEmbeddedPostgres({ dataDir: directory, durable: false, say: () => undefined });
  const redis = await startRedis(directory);
  globalThis.testServers = { directory, database, redis };
  process.env.TEST_OWNER_URL = database.ownerUrl;
  process.env.TEST_APPLICATION_URL = database.appUrl;
  process.env.TEST_REDIS_URL = redis.url;
}
