import { compare, sidesOf, type Finding } from '../finding';
import { startHttpLoad, type HttpLoad } from '../cache/http-load';
import { figuresOf } from '../measure';
import type { MeasuredPair } from './measured-pair';
import type { ServerProcess } from './server';

/** A list that is public and kept; see bench/cache/http.ts. */
const PATH = '/api/offers?limit=24';
const CONNECTIONS = 32;
const REQUESTS = 3_000;
/** What the issue of being watched is: so much more of a core at most. */
const AT_MOST = 1.05;

/**
 * What a request for a kept list costs the server, in microseconds of a core, with metrics and without; the two processes
 * take turns. Times are those of the process as the system counts them, so a busy machine does not lengthen them much.
 */
export async function measureMetricsCost(
  { counting, uncounting }: MeasuredPair,
  turns: number,
): Promise<Finding> {
  const load = startHttpLoad();
  const spent = { counted: [] as number[], 'not counted': [] as number[] };
  try {
    for (let turn = -1; turn < turns; turn++) {
      const figures = {
        counted: await costOf(counting, load),
        'not counted': await costOf(uncounting, load),
      };
      if (turn < 0) continue; // by then both are compiled
      spent.counted.push(figures.counted);
      spent['not counted'].push(figures['not counted']);
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
    comparisons: [compare(costs, 'counted', 'not counted', { atMost: AT_MOST })],
  };
}

async function costOf(server: ServerProcess, load: HttpLoad): Promise<number> {
  const before = await server.cpu();
  await load.ask({ port: server.port, path: PATH, requests: REQUESTS, connections: CONNECTIONS });
  return ((await server.cpu()) - before) / REQUESTS;
}
