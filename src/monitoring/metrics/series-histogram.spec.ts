import { Histogram, Registry } from 'prom-client';
import { SeriesHistogram } from './series-histogram';

const options = {
  name: 'duration_seconds',
  help: 'Time of something',
  labelNames: ['route', 'status'],
  buckets: [0.1, 0.5, 2],
};
const OBSERVED = [
  ['/a', '200', 0.1],
  ['/a', '200', 0.1000001],
  ['/a', '500', 7],
  ['/b"\\\n', '200', 0],
  ['/a', '200', 2],
] as const;

describe('a histogram of series', () => {
  const ours = new SeriesHistogram({ ...options, registers: [] });
  const own = new Histogram({ ...options, registers: [] });
  const [ourRegistry, ownRegistry] = [new Registry(), new Registry()];
  ourRegistry.registerMetric(ours);
  ownRegistry.registerMetric(own);

  it("tells the same as prom-client's own", async () => {
    for (const [route, status, value] of OBSERVED) {
      ours.series(route, status).observe(value);
      own.observe({ route, status }, value);
    }
    expect(await ourRegistry.metrics()).toBe(await ownRegistry.metrics());
    const { values, ...described } = await ours.get();
    const { values: ownValues, ...ownDescribed } = await own.get();
    expect(described).toEqual(ownDescribed);
    expect(values).toEqual(
      ownValues.map(({ metricName, labels, value }: any) => ({ metricName, labels, value })),
    );
  });

  it('gives the same series for the same labels, and forgets all of them', async () => {
    expect(ours.series('/a', '200')).toBe(ours.series('/a', '200'));
    ours.reset();
    expect((await ours.get()).values).toEqual([]);
  });
});
