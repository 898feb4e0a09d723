import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { migrate } from '../../src/database/schema/migrate';
import { hashPassword } from '../../src/users/passwords';
import { ADMINISTRATOR, configOf, wholeApplication } from '../cache/http-servers';
import { fill, type OnProgress } from '../filled-database/fill';
import { KNOWN_USERS } from '../filled-database/known-users';
import { startThrowAwayCluster, type ThrowAwayCluster } from '../throw-away-cluster';

/** A server to put a load on, and who may ask it everything. */
export interface TestedServer {
  readonly url: string;
  readonly email: string;
  readonly password: string;
  close(): Promise<void>;
}

/** Enough that no list is a whole table, and filled in seconds. */
const ROWS = { readings: 20_000, others: 5_000 };

/** Starts the application on a filled PostgreSQL of its own, on loopback, without rate limits. */
export async function startOwnServer(
  say: (sentence: string) => void,
  onProgress: OnProgress,
): Promise<TestedServer> {
  const cluster = await startThrowAwayCluster(18, say);
  const dataDir = mkdtempSync(join(tmpdir(), 'gridtokenx-bench-http-'));
  const remove = async (): Promise<void> => {
    await cluster.remove();
    rmSync(dataDir, { recursive: true, force: true });
  };
  try {
    await migrate(cluster.ownerUrl, cluster.applicationUrl);
    await fill(cluster.ownerUrl, ROWS, onProgress);
    const email = await letAdministratorIn(cluster);
    const config = configOf(cluster, dataDir, { RATE_LIMIT_ENABLED: 'false' });
    const server = await wholeApplication(config, cluster);
    return {
      url: `http://127.0.0.1:${server.port}`,
      email,
      password: ADMINISTRATOR.password,
      close: async () => {
        await server.close();
        await remove();
      },
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** Nobody knows the password of the filled database's administrator. */
async function letAdministratorIn({ ownerUrl }: ThrowAwayCluster): Promise<string> {
  const administrator = KNOWN_USERS.find(({ role }) => role === 'admin');
  if (administrator === undefined) throw new Error('The filled database has no administrator');
  const client = new Client({ connectionString: ownerUrl });
  await client.connect();
  try {
    await client.query('UPDATE users SET password_hash = $2 WHERE id = $1', [
      administrator.id,
      await hashPassword(ADMINISTRATOR.password),
    ]);
  } finally {
    await client.end();
  }
  return administrator.email;
}
