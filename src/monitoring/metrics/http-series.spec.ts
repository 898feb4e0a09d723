import { Registry } from 'prom-client';
import { HttpSeries } from './http-series';
import { SeriesHistogram } from './series-histogram';

const MOST_LINES = 4_300;
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND', 'LOCK'];
const STATUSES = [200, 201, 204, 304, 400, 401, 404, 409, 499, 500, 503];

function seriesWithMetrics() {
  const registry = new Registry();
  const duration = new SeriesHistogram({
    name: 'duration',
    help: 'Time',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [registry],
  });
  return { series: new HttpSeries(duration), metrics: () => registry.metrics() };
}
const countOf = (text: string, labels: string): number =>
  Number(new RegExp(`^duration_count\\{${labels}\\} (.+)$`, 'm').exec(text)?.[1]);

describe('series of requests', () => {
  it('are by method, route and exact status, and the same when they are asked for again', async () => {
    const { series, metrics } = seriesWithMetrics();
    for (const status of [200, 404, 200]) series.of('GET', '/a', status).observe(1);
    const text = await metrics();
    expect(countOf(text, 'method="GET",route="/a",status="200"')).toBe(2);
    expect(countOf(text, 'method="GET",route="/a",status="404"')).toBe(1);
    expect(series.of('GET', '/a', 200)).toBe(series.of('GET', '/a', 200));
  });

  it('are one for all methods that no route has', async () => {
    const { series, metrics } = seriesWithMetrics();
    for (const method of ['PROPFIND', 'LOCK']) series.of(method, 'none', 404).observe(1);
    expect(countOf(await metrics(), 'method="OTHER",route="none",status="404"')).toBe(2);
  });

  it('of answers and failures are by route however many bad requests came before', async () => {
    const { series, metrics } = seriesWithMetrics();
    for (let route = 0; route < 95; route++)
      for (const status of [400, 401, 403, 404, 415, 422, 429])
        series.of('GET', `/route/${route}`, status).observe(1);
    series.of('GET', '/late', 200).observe(1);
    series.of('GET', '/late', 503).observe(1);
    const text = await metrics();
    expect(countOf(text, 'method="GET",route="/late",status="200"')).toBe(1);
    expect(countOf(text, 'method="GET",route="/late",status="503"')).toBe(1);
    expect(countOf(text, 'method="GET",route="other",status="4xx"')).toBeGreaterThan(300);
  });

  it('are never too many: then by class, and then by class of all routes together', async () => {
    const { series, metrics } = seriesWithMetrics();
    let observed = 0;
    for (let route = 0; route < 200; route++)
      for (const method of METHODS)
        for (const status of STATUSES) {
          series.of(method, `/route/${route}`, status).observe(1);
          observed++;
        }
    const text = await metrics();
    const lines = text.split('\n');
    expect(lines.length).toBeLessThan(MOST_LINES);
    const counts = lines.filter((line) => line.startsWith('duration_count'));
    expect(counts.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)).toBe(observed);
    expect(countOf(text, 'method="GET",route="/route/0",status="404"')).toBe(1);
    expect(counts.some((line) => /route="\/route\/\d+",status="4xx"/.test(line))).toBe(true);
    expect(countOf(text, 'method="GET",route="other",status="5xx"')).toBeGreaterThan(100);
    // Those that were there before go on.
    series.of('GET', '/route/0', 404).observe(1);
    expect(countOf(await metrics(), 'method="GET",route="/route/0",status="404"')).toBe(2);
  });
});
