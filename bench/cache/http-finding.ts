import type { Finding } from '../finding';
import { HTTP_TARGETS, measureHttp } from './http';

/** A public list that is kept, over HTTP, beside Fastify alone with the same bytes and headers. */
export async function httpFinding(rounds: number): Promise<Finding> {
  const { rates, hookShare, interceptorShare } = await measureHttp(undefined, rounds);
  return {
    name: 'http',
    title: 'A kept public list over HTTP',
    unit: 'a second',
    sides: [
      { side: 'Fastify alone', figure: rates.bare },
      { side: "before Nest's pipeline", figure: rates.hook },
      { side: 'by the interceptor', figure: rates.interceptor },
    ],
    comparisons: [
      {
        side: "before Nest's pipeline",
        against: 'Fastify alone',
        ratio: hookShare,
        limit: { atLeast: HTTP_TARGETS.hookShare },
      },
      {
        side: 'by the interceptor',
        against: 'Fastify alone',
        ratio: interceptorShare,
        limit: { atLeast: HTTP_TARGETS.interceptorShare },
      },
    ],
  };
}
