import { runBenchmark } from '../bench/queries/run-benchmark';
import { memoryTier } from '../bench/queries/cache-tiers';
import { HOT_QUERIES } from '../bench/queries/hot-queries';
import { emptyDatabase } from './support/database';

/** As few as always have more than enough full pages of readings to ask for: which ones there are is drawn by the time. */
const ROWS = 10_000;
/** Those whose answers are full pages in a small market. */
const QUERIES = HOT_QUERIES.filter(({ name }) => ['log-in', 'readings', 'history'].includes(name));

describe('the benchmark of the hot queries', () => {
  const memory = memoryTier();
  afterAll(() => memory.cache.onApplicationShutdown());

  it('measures them without indexes, with them and from the cache', async () => {
    const results = await runBenchmark(await emptyDatabase(), {
      queries: QUERIES,
      sizes: [ROWS],
      tiers: [memory],
      rounds: 1,
    });
    expect(results.map(({ query }) => query.name)).toEqual(['log-in', 'readings', 'history']);
    for (const { sizes } of results) {
      expect(sizes).toHaveLength(1);
      for (const { rows, roundTrip, bare, before, after, cached } of sizes) {
        expect(rows).toBe(ROWS);
        for (const figures of [roundTrip, bare, before, after, cached.memory]) {
          expect(figures?.n).toBeGreaterThanOrEqual(2);
          expect(figures?.p50).toBeGreaterThan(0);
          expect(figures?.p95).toBeGreaterThanOrEqual(figures?.p50 ?? Infinity);
        }
      }
    }
  });
});
