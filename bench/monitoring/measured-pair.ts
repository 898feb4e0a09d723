import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrate } from '../../src/database/schema/migrate';
import { listOffers } from '../cache/http-offers';
import { startThrowAwayCluster } from '../throw-away-cluster';
import { startServerProcess, type ServerProcess } from './server';

const OFFERS = 24;

/** The same application twice, on one PostgreSQL: with metrics and without. */
export interface MeasuredPair {
  readonly counting: ServerProcess;
  readonly uncounting: ServerProcess;
}

/** Starts both on a PostgreSQL of their own, and ends them after `work`. */
export async function withPair<Result>(work: (pair: MeasuredPair) => Promise<Result>): Promise<Result> {
  const cluster = await startThrowAwayCluster(18, () => undefined);
  const dataDir = mkdtempSync(join(tmpdir(), 'gridtokenx-bench-monitoring-'));
  const servers: ServerProcess[] = [];
  const start = async (metrics: boolean): Promise<ServerProcess> => {
    const variables = { METRICS_ENABLED: String(metrics), CACHE_WARM_LOADS_PER_SECOND: '0' };
    const server = await startServerProcess(cluster, dataDir, variables);
    servers.push(server);
    return server;
  };
  try {
    await migrate(cluster.ownerUrl, cluster.applicationUrl);
    await listOffers(cluster, OFFERS);
    return await work({ counting: await start(true), uncounting: await start(false) });
  } finally {
    for (const server of servers) await server.end();
    await cluster.remove();
    rmSync(dataDir, { recursive: true, force: true });
  }
}
