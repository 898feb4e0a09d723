import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ExplainedError } from '../../src/database/explained-error';
import { migrate } from '../../src/database/schema/migrate';
import { listOffers, LISTED_OFFERS_PATH } from '../listed-offers';
import { percentile } from '../measure';
import { startThrowAwayCluster } from '../throw-away-cluster';
import { startThrowAwayRedis, type ThrowAwayRedis } from '../throw-away-redis';
import { compare, sidesOf, type Finding } from '../finding';
import { configOf, wholeApplication, type MeasuredServer } from './http-servers';
import { atOnce } from './rate';

/** Different questions, so that callers do not share answers more than they would. */
const QUESTIONS = 50;
const CALLERS = 8;
/** Requests of a turn, and turns of a side. */
const REQUESTS = 100;
const TURNS = 90;
const LONGEST_MS = 1_000;
const RECOVERY_MS = 30_000;

type State = 'stopped' | 'killed';

/** How long requests took while Redis was away, in milliseconds, from the moment it went. */
interface Times {
  readonly cached: number[];
  readonly uncached: number[];
}

interface Servers {
  readonly cached: MeasuredServer;
  readonly uncached: MeasuredServer;
}

/**
 * A list that is kept in Redis, over HTTP, while Redis is stopped (SIGSTOP: its connections stay open, and nothing is
 * answered) and killed, beside the same list from an application that keeps nothing. Both wait for the same PostgreSQL.
 */
export async function measureRedisAway(): Promise<Finding> {
  const redis = await startThrowAwayRedis();
  if (redis === undefined) throw new ExplainedError('redis-server is not on PATH, so it cannot be stopped');
  const cluster = await startThrowAwayCluster(18, () => undefined);
  const dataDir = mkdtempSync(join(tmpdir(), 'gridtokenx-bench-away-'));
  const servers: MeasuredServer[] = [];
  const agent = new Agent({ keepAlive: true, maxSockets: CALLERS });
  try {
    await migrate(cluster.ownerUrl, cluster.applicationUrl);
    await listOffers(cluster);
    const start = async (more: Record<string, string>): Promise<MeasuredServer> => {
      const server = await wholeApplication(configOf(cluster, dataDir, more), cluster);
      servers.push(server);
      return server;
    };
    const sides = {
      cached: await start({ REDIS_URL: redis.url }),
      uncached: await start({ CACHE_L1_MAX_BYTES: '0' }),
    };
    return findingOf(await timesOf(sides, redis, agent));
  } finally {
    redis.signal('SIGCONT'); // what is stopped does not hear that it shall end
    agent.destroy();
    for (const server of servers) await server.close();
    await cluster.remove();
    await redis.remove();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function timesOf(sides: Servers, redis: ThrowAwayRedis, agent: Agent): Promise<Record<State, Times>> {
  await untilCaching(sides.cached, agent);
  await timesWhileAway(sides, agent, TURNS / 3); // both are compiled by then
  redis.signal('SIGSTOP');
  const stopped = await timesWhileAway(sides, agent, TURNS);
  redis.signal('SIGCONT');
  await untilCaching(sides.cached, agent);
  await timesWhileAway(sides, agent, TURNS / 3);
  redis.signal('SIGKILL');
  return { stopped, killed: await timesWhileAway(sides, agent, TURNS) };
}

/** The sides in turns, so that whatever else the machine does meets both. */
async function timesWhileAway({ cached, uncached }: Servers, agent: Agent, turns: number): Promise<Times> {
  const times: Times = { cached: [], uncached: [] };
  for (let turn = 0; turn < turns; turn++) {
    for (const [{ port }, taken] of [
      [cached, times.cached],
      [uncached, times.uncached],
    ] as const)
      await atOnce(CALLERS, REQUESTS, async (request) => {
        const started = performance.now();
        const path = `${LISTED_OFFERS_PATH}&minPrice=0.${(request % QUESTIONS) + 10}`;
        await ask(agent, port, path);
        taken.push(performance.now() - started);
      });
  }
  return times;
}

function findingOf(states: Record<State, Times>): Finding {
  const p99 = (times: readonly number[]): number => percentile(Float64Array.from(times).sort(), 0.99);
  const figures = {
    'kept, Redis stopped': p99(states.stopped.cached),
    'never kept, as it was stopped': p99(states.stopped.uncached),
    'kept, Redis killed': p99(states.killed.cached),
    'never kept, as it was killed': p99(states.killed.uncached),
  };
  const longest = Math.max(...states.stopped.cached, ...states.killed.cached);
  return {
    name: 'redis-away',
    title: 'A list while Redis is away, p99',
    unit: 'ms',
    sides: [...sidesOf(figures), { side: 'the longest of all', figure: longest }],
    comparisons: [
      compare(figures, 'kept, Redis stopped', 'never kept, as it was stopped', { atMost: 2 }),
      compare(figures, 'kept, Redis killed', 'never kept, as it was killed', { atMost: 2 }),
    ],
    missed:
      longest <= LONGEST_MS
        ? []
        : [`While Redis was away a request took ${longest.toFixed(0)} ms, not at most ${LONGEST_MS} ms`],
  };
}

async function untilCaching({ port }: MeasuredServer, agent: Agent): Promise<void> {
  const deadline = performance.now() + RECOVERY_MS;
  for (;;) {
    const { cache } = JSON.parse(await ask(agent, port, '/health/ready')) as { cache?: string };
    if (cache === 'up') return;
    if (performance.now() > deadline)
      throw new ExplainedError(`The cache was not used again within ${RECOVERY_MS} ms`);
    await delay(20);
  }
}

/** @throws ExplainedError when it is not answered with 200 */
function ask(agent: Agent, port: number, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get({ host: '127.0.0.1', port, path, agent }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () => {
        const text = Buffer.concat(parts).toString();
        if (response.statusCode === 200) resolve(text);
        else reject(new ExplainedError(`${path} was answered with ${response.statusCode}: ${text}`));
      });
      response.on('error', reject);
    });
    request.on('error', reject);
  });
}
