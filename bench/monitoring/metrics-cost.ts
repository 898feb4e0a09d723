import { startHttpLoad, type HttpLoad } from '../cache/http-load';
import { sidesOf, type Finding } from '../finding';
import { LISTED_OFFERS_PATH } from '../listed-offers';
import { figuresOf, pairedRatio } from '../measure';
import { MEASURED_SERVERS, type MeasuredServer, type StartServer } from './measured-servers';
import type { ServerProcess } from './server';

const CONNECTIONS = 32;
const REQUESTS = 3_000;
/** Until what is asked is compiled. */
const WARM_UP = 4;
/** So much of a core more at most. */
const AT_MOST = 1.05;

type Spent = Readonly<Record<MeasuredServer, number[]>>;

/**
 * What a request for a kept list costs the server, in microseconds of a core, with metrics and without. Both take turns;
 * after some turns they are started anew, since one process runs the same code a few per cent quicker than the next.
 * @param pairs how often both are started
 * @param turns of each of both
 */
export async function measureMetricsCost(
  start: StartServer,
  pairs: number,
  turns: number,
  onPair: (pair: number) => void,
): Promise<Finding> {
  const load = startHttpLoad();
  const spent: Spent = { counted: [], 'not counted': [] };
  try {
    for (let pair = 0; pair < pairs; pair++) {
      onPair(pair);
      await measurePair(start, load, turns, spent);
    }
  } finally {
    await load.end();
  }
  const costs = { counted: figuresOf(spent.counted).p50, 'not counted': figuresOf(spent['not counted']).p50 };
  return {
    name: 'metrics',
    title: 'A request for a kept list',
    unit: 'µs',
    sides: sidesOf(costs),
    comparisons: [
      {
        side: 'counted',
        against: 'not counted',
        ratio: pairedRatio(spent.counted, spent['not counted']),
        limit: { atMost: AT_MOST },
      },
    ],
  };
}

async function measurePair(start: StartServer, load: HttpLoad, turns: number, spent: Spent): Promise<void> {
  const servers = new Map<MeasuredServer, ServerProcess>();
  try {
    for (const name of MEASURED_SERVERS) servers.set(name, await start(name));
    for (let turn = -WARM_UP; turn < turns; turn++) {
      for (const [name, server] of turn % 2 === 0 ? servers : [...servers].toReversed()) {
        const cost = await costOf(server, load);
        if (turn >= 0) spent[name].push(cost);
      }
    }
  } finally {
    for (const server of servers.values()) await server.end();
  }
}

async function costOf(server: ServerProcess, load: HttpLoad): Promise<number> {
  const before = await server.cpu();
  await load.ask({
    port: server.port,
    path: LISTED_OFFERS_PATH,
    requests: REQUESTS,
    connections: CONNECTIONS,
  });
  return ((await server.cpu()) - before) / REQUESTS;
}
