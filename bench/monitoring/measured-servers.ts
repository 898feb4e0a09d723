import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrate } from '../../src/database/schema/migrate';
import { listOffers } from '../listed-offers';
import { startThrowAwayCluster, type ThrowAwayCluster } from '../throw-away-cluster';
import { startServerProcess, type ServerProcess } from './server';

/** The same application, with metrics and without. */
export type MeasuredServer = 'counted' | 'not counted';
export const MEASURED_SERVERS: readonly MeasuredServer[] = ['counted', 'not counted'];

/** Starts one of them in a process of its own; whoever does ends it. */
export type StartServer = (server: MeasuredServer) => Promise<ServerProcess>;

/**
 * Lets `work` start servers. Each kind is on a PostgreSQL of its own: on one, the first of them would do the work that one
 * process does for all, such as the history of statements, and seem dearer for it.
 */
export async function withServers<Result>(work: (start: StartServer) => Promise<Result>): Promise<Result> {
  const dataDir = mkdtempSync(join(tmpdir(), 'gridtokenx-bench-monitoring-'));
  const clusters = new Map<MeasuredServer, ThrowAwayCluster>();
  try {
    for (const server of MEASURED_SERVERS) clusters.set(server, await clusterWithOffers());
    return await work((server) =>
      startServerProcess(clusters.get(server) as ThrowAwayCluster, dataDir, {
        METRICS_ENABLED: String(server === 'counted'),
        CACHE_WARM_LOADS_PER_SECOND: '0',
      }),
    );
  } finally {
    for (const cluster of clusters.values()) await cluster.remove();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function clusterWithOffers(): Promise<ThrowAwayCluster> {
  const cluster = await startThrowAwayCluster(18, () => undefined);
  try {
    await migrate(cluster.ownerUrl, cluster.applicationUrl);
    await listOffers(cluster);
    return cluster;
  } catch (error) {
    await cluster.remove();
    throw error;
  }
}
