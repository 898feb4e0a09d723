import { rmSync } from 'node:fs';

export default async function tearDown() {
  const { directory, database, redis } = globalThis.testServers;
  await redis.stop();
  await database.stop();
  rmSync(directory, { recursive: true, force: true });
}
