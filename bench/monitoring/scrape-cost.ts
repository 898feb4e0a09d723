import { setTimeout as delay } from 'node:timers/promises';
import { ExplainedError } from '../../src/database/explained-error';
import { ADMINISTRATOR } from '../cache/http-servers';
import type { Finding } from '../finding';
import { logIn } from '../http/session';
import { figuresOf } from '../measure';
import type { StartServer } from './measured-servers';

const AT_MOST_MS = 20;
const MOST_LINES = 8_000;

/** So far apart that they do not come upon each other, and that PostgreSQL is asked beside more than one of a hundred. */
const PAUSE_MS = 250;

/**
 * How long /metrics takes once every route has been asked for: by then the series of a busy server are there. The first
 * one waits for PostgreSQL's figures, and the others find those that are read beside them.
 */
export async function measureScrapeCost(start: StartServer, scrapes: number): Promise<Finding> {
  const server = await start('counted');
  try {
    const url = `http://127.0.0.1:${server.port}`;
    await askEveryRoute(url);
    const times: number[] = [];
    let lines = 0;
    for (let scrape = 0; scrape <= scrapes; scrape++) {
      await delay(PAUSE_MS);
      const started = performance.now();
      const text = await (await fetch(`${url}/metrics`)).text();
      times.push(performance.now() - started);
      lines = text.split('\n').length;
    }
    return findingOf(times, lines);
  } finally {
    await server.end();
  }
}

function findingOf([first = NaN, ...times]: readonly number[], lines: number): Finding {
  const { p50, p95 } = figuresOf(times);
  return {
    name: 'scrape',
    title: `A scrape of ${lines} lines`,
    unit: 'ms',
    sides: [
      { side: 'the first one', figure: first },
      { side: 'half of them within', figure: p50 },
      { side: '95 % within', figure: p95 },
    ],
    comparisons: [],
    missed: [
      ...(p95 < AT_MOST_MS
        ? []
        : [`95 % of the scrapes take ${p95.toFixed(1)} ms, not less than ${AT_MOST_MS} ms`]),
      ...(lines < MOST_LINES ? [] : [`/metrics has ${lines} lines, not less than ${MOST_LINES}`]),
    ],
  };
}

/**
 * As nobody, who is refused by most, and what only reads as the administrator too: a series for every route and many
 * statuses, and the statements behind them.
 */
async function askEveryRoute(url: string): Promise<void> {
  const answer = await fetch(`${url}/docs-json`);
  const { paths } = (await answer.json()) as { paths: Record<string, Record<string, unknown>> };
  const routes = Object.entries(paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => ({ path: path.replaceAll(/\{[^}]+\}/g, 'none'), method })),
  );
  if (routes.length === 0) throw new ExplainedError('The server documents no route');
  const ask = async (
    path: string,
    method: string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<void> => {
    await (await fetch(`${url}${path}`, { method: method.toUpperCase(), headers })).arrayBuffer();
  };
  for (const { path, method } of routes) await ask(path, method);
  const { headers } = await logIn(url, ADMINISTRATOR.email, ADMINISTRATOR.password);
  // What streams does not end.
  const reads = routes.filter(({ path, method }) => method === 'get' && !path.includes('/stream/'));
  for (const { path, method } of reads) await ask(path, method, headers);
}
