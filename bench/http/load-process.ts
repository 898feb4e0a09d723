import autocannon from 'autocannon';

/** Asks one URL over and over, in a process of its own: what it takes must not be taken from the server. */

/** What to ask for, over how many connections at once, and until when: so many requests, or so many seconds. */
export interface LoadOrder {
  readonly url: string;
  readonly connections: number;
  readonly until: { readonly requests: number } | { readonly seconds: number };
  readonly headers: Readonly<Record<string, string>>;
}

/** How it went; times in milliseconds. */
export interface LoadResult {
  readonly requests: number;
  readonly seconds: number;
  readonly bytes: number;
  /** Sorted out here: the client's own are whole milliseconds, and a kept answer takes less than one. */
  readonly latency: Readonly<Record<'p50' | 'p90' | 'p97.5' | 'p99' | 'max', number>>;
  /** Connections that broke, and answers that never came. */
  readonly errors: number;
  /** Answers by their status. */
  readonly statuses: Readonly<Record<string, number>>;
}

export type LoadMessage =
  { readonly share: number } | { readonly result: LoadResult } | { readonly failure: string };

const PROGRESS_MS = 200;

function perform({ url, connections, until, headers }: LoadOrder): void {
  const times: number[] = [];
  const statuses: Record<string, number> = {};
  const began = performance.now();
  const end = 'requests' in until ? { amount: until.requests } : { duration: until.seconds };
  const instance = autocannon({ url, connections, headers: { ...headers }, ...end }, (error, result) => {
    clearInterval(telling);
    if (error !== null && error !== undefined) return tell({ failure: String(error) });
    return tell({
      result: {
        requests: times.length,
        seconds: (performance.now() - began) / 1000,
        bytes: result.throughput.total,
        latency: percentiles(times),
        errors: result.errors,
        statuses,
      },
    });
  });
  instance.on('response', (_client, status, _bytes, milliseconds) => {
    times.push(milliseconds);
    statuses[status] = (statuses[status] ?? 0) + 1;
  });
  const telling = setInterval(() => {
    const done = 'requests' in until ? times.length / until.requests : seconds(began) / until.seconds;
    tell({ share: Math.min(0.99, done) });
  }, PROGRESS_MS);
}

const seconds = (since: number): number => (performance.now() - since) / 1000;

/** By the nearest rank; zero where there was no answer. */
function percentiles(times: readonly number[]): LoadResult['latency'] {
  const sorted = Float64Array.from(times).sort();
  const at = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
  return { p50: at(0.5), p90: at(0.9), 'p97.5': at(0.975), p99: at(0.99), max: at(1) };
}

const tell = (message: LoadMessage): void => void process.send?.(message);

process.on('message', (order: LoadOrder) => perform(order));
process.on('disconnect', () => process.exit());
