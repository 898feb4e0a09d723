import { familyOf, fits, groupingsOf, labelsIn, matchersOf, metricsOf } from './promql';

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

describe('labels of an expression', () => {
  const expression = 'sum by (a, le) (rate(x_count{route!~"/a.*|/b", state="on"}[5m])) and on (a) y{}';

  it('are what it wants of them, each word of a pattern by itself', () => {
    expect(matchersOf(expression)).toEqual([
      { metric: 'x_count', label: 'route', value: '/a.*', isPattern: true },
      { metric: 'x_count', label: 'route', value: '/b', isPattern: true },
      { metric: 'x_count', label: 'state', value: 'on', isPattern: false },
    ]);
    expect(groupingsOf(expression)).toEqual(['a', 'le', 'a']);
  });

  it('fit as Prometheus has it: a pattern to the whole value', () => {
    const [pattern, , text] = matchersOf(expression);
    expect(['/a', '/a/c', 'x/a'].map((value) => pattern && fits(pattern, value))).toEqual([
      true,
      true,
      false,
    ]);
    expect(['on', 'o.', 'one'].map((value) => text && fits(text, value))).toEqual([true, false, false]);
  });

  it('are found in what is exposed', () => {
    const text = '# HELP x X\nx{a="1",b="two, {three}"} 1\nx{a="2",b=""} 5e-7\ny 3\n';
    expect([...labelsIn(text)]).toEqual([
      [
        'x',
        [
          { a: '1', b: 'two, {three}' },
          { a: '2', b: '' },
        ],
      ],
      ['y', [{}]],
    ]);
  });
});
