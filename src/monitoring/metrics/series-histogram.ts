import { getToken } from '@willsoto/nestjs-prometheus';
import { Histogram, register, type HistogramConfiguration, type MetricValueWithName } from 'prom-client';

/** Observations of one set of labels. */
export class Series {
  /** Each bucket by itself; the last one is of what exceeds all bounds. */
  readonly counts: Float64Array;
  sum = 0;

  constructor(
    readonly labels: Readonly<Record<string, string>>,
    private readonly bounds: readonly number[],
  ) {
    this.counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    let bucket = 0;
    while (bucket < this.bounds.length && value > (this.bounds[bucket] as number)) bucket++;
    (this.counts[bucket] as number)++;
    this.sum += value;
  }
}

/** What prom-client writes as one line, `metricName value`: all lines of a series in one, which is most of a scrape's time. */
interface Lines {
  readonly metricName: string;
  readonly value: number;
  readonly labels: Readonly<Record<string, never>>;
  readonly sharedLabels: Readonly<Record<string, never>>;
}

/** They stand in the name already. One object for all lines: what prom-client writes for it, it writes once. */
const NO_LABELS = Object.freeze({});

type Options = HistogramConfiguration<string> & {
  readonly labelNames: readonly string[];
  readonly buckets: number[];
};

/**
 * A histogram for what happens with every request. prom-client's own checks and joins the labels of each observation,
 * and writes them out anew for each line of a scrape; here whoever observes holds on to the series, and the lines' names
 * are written once. What is observed otherwise than by {@link series} does not count.
 */
export class SeriesHistogram extends Histogram {
  private readonly bounds: readonly number[];
  private readonly names: readonly string[];
  private all: Map<string, Series>;
  private lineNames: Map<Series, readonly string[]>;
  private readonly metric: Pick<Options, 'name' | 'help'>;

  constructor(options: Options) {
    super(options);
    this.all = new Map();
    this.lineNames = new Map();
    this.metric = { name: options.name, help: options.help };
    this.names = options.labelNames;
    this.bounds = [...options.buckets].sort((a, b) => a - b);
  }

  /** @param values of the labels, in their order; whoever asks bounds how many there are */
  series(...values: readonly string[]): Series {
    const key = values.join('\0');
    let series = this.all.get(key);
    if (series === undefined) {
      const labels = Object.fromEntries(this.names.map((name, place) => [name, values[place] ?? '']));
      this.all.set(key, (series = new Series(labels, this.bounds)));
    }
    return series;
  }

  override reset(): void {
    this.all = new Map();
    this.lineNames = new Map();
  }

  override get(): ReturnType<Histogram['get']> {
    const values = [...this.all.values()].flatMap((series) => this.valuesOf(series));
    // prom-client's own answers with its type as text, and without what its types say beside it.
    return Promise.resolve(this.described(values) as unknown as Awaited<ReturnType<Histogram['get']>>);
  }

  /** What the registry asks for when it writes text. */
  getForPromString(): Promise<unknown> {
    return Promise.resolve(this.described([...this.all.values()].map((series) => this.linesOf(series))));
  }

  private linesOf(series: Series): Lines {
    const names = this.lineNamesOf(series);
    let text = '';
    let last = 0;
    figuresOf(series, (value, place) => {
      text += place === 0 ? names[0] : ` ${last}\n${names[place]}`;
      last = value;
    });
    return { metricName: text, value: last, labels: NO_LABELS, sharedLabels: NO_LABELS };
  }

  private described<Value>(values: Value[]) {
    return { ...this.metric, type: 'histogram', aggregator: 'sum', values };
  }

  private valuesOf(series: Series): MetricValueWithName<string>[] {
    const values: MetricValueWithName<string>[] = [];
    figuresOf(series, (value, place) => {
      const { suffix, le } = this.placeOf(place);
      const labels = le === undefined ? series.labels : { le, ...series.labels };
      values.push({ metricName: `${this.metric.name}${suffix}`, value, labels });
    });
    return values;
  }

  private lineNamesOf(series: Series): readonly string[] {
    let names = this.lineNames.get(series);
    if (names === undefined) {
      names = Array.from({ length: this.bounds.length + 3 }, (_, place) => this.lineName(series, place));
      this.lineNames.set(series, names);
    }
    return names;
  }

  private lineName({ labels }: Series, place: number): string {
    const { suffix, le } = this.placeOf(place);
    const pairs = Object.entries(le === undefined ? labels : { le, ...labels });
    return `${this.metric.name}${suffix}{${pairs.map(([name, value]) => `${name}="${escaped(value)}"`).join(',')}}`;
  }

  /** Buckets, that of everything, sum and count. */
  private placeOf(place: number): { readonly suffix: string; readonly le?: number | string } {
    const beyond = place - this.bounds.length;
    if (beyond < 0) return { suffix: '_bucket', le: this.bounds[place] };
    if (beyond === 0) return { suffix: '_bucket', le: '+Inf' };
    return { suffix: beyond === 1 ? '_sum' : '_count' };
  }
}

/** Buckets hold those below them too. */
function figuresOf({ counts, sum }: Series, take: (value: number, place: number) => void): void {
  let count = 0;
  counts.forEach((number, place) => take((count += number), place));
  take(sum, counts.length);
  take(count, counts.length + 1);
}

const escaped = (value: number | string): string =>
  String(value).replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');

/** As makeHistogramProvider does it: one for all applications of the process. */
export const makeSeriesHistogramProvider = (options: Options) => ({
  provide: getToken(options.name),
  useFactory: () => register.getSingleMetric(options.name) ?? new SeriesHistogram(options),
});
