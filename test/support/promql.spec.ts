import { familyOf, metricsOf } from './promql';

describe('metrics of an expression', () => {
  it.each([
    ['up', ['up']],
    ['sum by (route) (rate(http_requests_total{status=~"5..|up"}[5m]))', ['http_requests_total']],
    ['time() - max(figures_timestamp_seconds) > 120', ['figures_timestamp_seconds']],
    ['a:b:rate5m > 0.001 and on (method) sum(c) or 0 * max(up offset 1h) > 1e6', ['a:b:rate5m', 'c', 'up']],
    ['histogram_quantile(0.99, sum by (le) (rate(x_bucket[$__rate_interval])))', ['x_bucket']],
  ])('%s', (expression, metrics) => {
    expect(metricsOf(expression)).toEqual(metrics);
  });

  it('know the family of a histogram', () => {
    expect(['x_bucket', 'x_count', 'x_sum', 'x_total'].map(familyOf)).toEqual(['x', 'x', 'x', 'x_total']);
  });
});
