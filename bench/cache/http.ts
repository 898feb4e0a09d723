import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrate } from '../../src/database/schema/migrate';
import type { Finding } from '../finding';
import { listOffers, LISTED_OFFERS_PATH } from '../listed-offers';
import { startThrowAwayCluster } from '../throw-away-cluster';
import { startHttpLoad, type HttpLoad } from './http-load';
import { bareFastify, configOf, withoutTheHook, wholeApplication, type MeasuredServer } from './http-servers';
import { inTurns, type Work } from './rate';

const CONNECTIONS = 32;
const REQUESTS = 4_000;

/**
 * A public list that is kept, over HTTP: by Fastify alone with the same bytes and headers, by the application before Nest's
 * pipeline, and by the application in it; on a PostgreSQL of its own, rate limits counting, by a client in another process.
 */
export async function measureHttp(rounds: number): Promise<Finding> {
  const cluster = await startThrowAwayCluster(18, () => undefined);
  const dataDir = mkdtempSync(join(tmpdir(), 'gridtokenx-bench-http-'));
  const load = startHttpLoad();
  const servers: MeasuredServer[] = [];
  try {
    await migrate(cluster.ownerUrl, cluster.applicationUrl);
    await listOffers(cluster);
    const config = configOf(cluster, dataDir);
    servers.push(await wholeApplication(config, cluster), await withoutTheHook(config, cluster));
    const [hook, interceptor] = servers as [MeasuredServer, MeasuredServer];
    const bare = await bareFastify('/api/offers', await keptAnswer(hook));
    servers.push(bare);
    const turns = await inTurns(
      {
        'Fastify alone': asking(bare, load),
        "before Nest's pipeline": asking(hook, load),
        'by the interceptor': asking(interceptor, load),
      },
      rounds,
    );
    return {
      name: 'http',
      title: 'A kept public list over HTTP',
      unit: 'a second',
      sides: turns.sides(),
      comparisons: [
        turns.compare("before Nest's pipeline", 'Fastify alone', { atLeast: 0.7 }),
        turns.compare('by the interceptor', 'Fastify alone', { atLeast: 0.3 }),
      ],
    };
  } finally {
    await load.end();
    for (const server of servers) await server.close();
    await cluster.remove();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

const asking = ({ port }: MeasuredServer, load: HttpLoad): Work => ({
  calls: REQUESTS,
  run: (requests) => load.ask({ port, path: LISTED_OFFERS_PATH, requests, connections: CONNECTIONS }),
});

/** The second time it comes from the cache. */
async function keptAnswer({ port }: MeasuredServer): Promise<Response> {
  const url = `http://127.0.0.1:${port}${LISTED_OFFERS_PATH}`;
  await (await fetch(url)).text();
  return fetch(url);
}
