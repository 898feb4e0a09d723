import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrate } from '../../src/database/schema/migrate';
import { interleave, Samples, type Side } from '../measure';
import { listOffers, LISTED_OFFERS_PATH } from '../listed-offers';
import { startThrowAwayCluster } from '../throw-away-cluster';
import { startHttpLoad, type HttpLoad } from './http-load';
import { bareFastify, configOf, withoutTheHook, wholeApplication, type MeasuredServer } from './http-servers';

const CONNECTIONS = 32;
const REQUESTS = 4_000;

/**
 * Who answers a public list that is kept: Fastify alone with the same bytes and headers, the application before Nest's
 * pipeline, and the application in it.
 */
export type HttpSide = 'bare' | 'hook' | 'interceptor';

/** What came out of it. */
export interface HttpMeasurement {
  readonly bytes: number;
  /** Answers in a second. */
  readonly rates: Readonly<Record<HttpSide, number>>;
  /** Share of what bare Fastify does, from 0 to 1, turn by turn. */
  readonly hookShare: number;
  readonly interceptorShare: number;
}

/** What must be reached of it. */
export const HTTP_TARGETS = { hookShare: 0.7, interceptorShare: 0.3 } as const;

/**
 * Measures the public list of offers over HTTP, on a PostgreSQL of its own, rate limits counting, by a client in another
 * process; the sides take turns.
 * @param rounds how often each side has its turn
 */
export async function measureHttp(
  say: (sentence: string) => void = () => undefined,
  rounds = 15,
): Promise<HttpMeasurement> {
  const cluster = await startThrowAwayCluster(18, say);
  const dataDir = mkdtempSync(join(tmpdir(), 'gridtokenx-bench-http-'));
  const load = startHttpLoad();
  const servers: MeasuredServer[] = [];
  try {
    await migrate(cluster.ownerUrl, cluster.applicationUrl);
    await listOffers(cluster);
    const config = configOf(cluster, dataDir);
    servers.push(await wholeApplication(config, cluster), await withoutTheHook(config, cluster));
    const [hook, interceptor] = servers as [MeasuredServer, MeasuredServer];
    const answer = await keptAnswer(hook);
    const bytes = Buffer.byteLength(await answer.clone().text());
    const bare = await bareFastify('/api/offers', answer);
    servers.push(bare);
    const samples = new Samples<HttpSide>();
    const sides = new Map<HttpSide, Side>([
      ['bare', askingOf(bare, load)],
      ['hook', askingOf(hook, load)],
      ['interceptor', askingOf(interceptor, load)],
    ]);
    await interleave(sides, samples, { rounds, calls: 1, warmUp: 1 });
    return measurementOf(bytes, samples);
  } finally {
    await load.end();
    for (const server of servers) await server.close();
    await cluster.remove();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

const askingOf =
  ({ port }: MeasuredServer, load: HttpLoad): Side =>
  () =>
    load.ask({ port, path: LISTED_OFFERS_PATH, requests: REQUESTS, connections: CONNECTIONS });

/** The second time it comes from the cache. */
async function keptAnswer({ port }: MeasuredServer): Promise<Response> {
  const url = `http://127.0.0.1:${port}${LISTED_OFFERS_PATH}`;
  await (await fetch(url)).text();
  return fetch(url);
}

function measurementOf(bytes: number, samples: Samples<HttpSide>): HttpMeasurement {
  const rate = (side: HttpSide): number => (REQUESTS * 1_000) / samples.figures(side).p50;
  const rates = { bare: rate('bare'), hook: rate('hook'), interceptor: rate('interceptor') };
  return {
    bytes,
    rates,
    hookShare: samples.pairedRatio('bare', 'hook'),
    interceptorShare: samples.pairedRatio('bare', 'interceptor'),
  };
}
