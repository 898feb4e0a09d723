import type { LoadOrder, LoadResult } from './load-process';

/** A load test of the performance guide. */
export interface LoadTest {
  readonly name: string;
  readonly path: string;
  readonly connections: number;
  readonly until: LoadOrder['until'];
  readonly asAdmin: boolean;
  /** Milliseconds that 97.5 % of all answers may take at most. */
  readonly promisedMs?: number;
}

/** A load test with what came out of it. */
export interface TestedLoad {
  readonly test: LoadTest;
  readonly result: LoadResult;
}

export const STRESS_SECONDS = 30;
const TOO_MANY_REQUESTS = '429';

/**
 * `ab -n 1000 -c 10 …/api/offers` and `wrk -c100 -d30s …/api/users`, whose answer is for administrators. The guide expects
 * the marketplace's list in 40 ms.
 */
export const loadTests = (stressSeconds: number): LoadTest[] => [
  {
    name: 'offers',
    path: '/api/offers',
    connections: 10,
    until: { requests: 1_000 },
    asAdmin: false,
    promisedMs: 40,
  },
  {
    name: 'users',
    path: '/api/users',
    connections: 100,
    until: { seconds: stressSeconds },
    asAdmin: true,
  },
];

/** Answers that were no success, by their status. */
export const refused = ({ statuses }: LoadResult): [status: string, answers: number][] =>
  Object.entries(statuses).filter(([status]) => !status.startsWith('2'));

/** A sentence for each promise that was not kept; none when all were. */
export function missedPromises(tested: readonly TestedLoad[]): string[] {
  return tested.flatMap(({ test, result }) => {
    const who = `GET ${test.path}`;
    const late = test.promisedMs !== undefined && result.latency['p97.5'] > test.promisedMs;
    return [
      ...(result.requests === 0 ? [`${who}: no answer came`] : []),
      ...(result.errors > 0 ? [`${who}: ${result.errors} connections broke or were not answered`] : []),
      ...refused(result).map(
        ([status, answers]) => `${who}: ${answers} answers were ${status}${why(status)}`,
      ),
      ...(late
        ? [
            `${who}: 97.5 % of answers took up to ${result.latency['p97.5'].toFixed(1)} ms, not ${test.promisedMs}`,
          ]
        : []),
    ];
  });
}

const why = (status: string): string =>
  status === TOO_MANY_REQUESTS
    ? ', so its rate limits were measured: start the server with RATE_LIMIT_ENABLED=false for this'
    : '';
