/** Words of PromQL that are no metrics where no parenthesis follows them. */
const KEYWORDS = new Set(
  'and or unless on ignoring group_left group_right by without offset bool inf nan'.split(' '),
);
const BY_LABELS = /\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g;
const LABELS_RANGES_TEXTS = /\{[^}]*\}|\[[^\]]*\]|"[^"]*"/g;
const NAME = /(?<![\w.:$])[a-z_:][\w:]*(?![\w:]|\s*\()/gi;

/** The metrics that an expression asks for. */
export function metricsOf(expression: string): string[] {
  const bare = expression.replace(LABELS_RANGES_TEXTS, ' ').replace(BY_LABELS, ' ');
  return [...new Set(bare.match(NAME) ?? [])].filter((name) => !KEYWORDS.has(name.toLowerCase()));
}

/** What an expression wants of a label: `route!~"/health.*|/metrics"`. */
export interface Matcher {
  readonly metric: string;
  readonly label: string;
  readonly value: string;
  readonly isPattern: boolean;
}
const SELECTOR = /([a-z_:][\w:]*)\{([^}]*)\}/gi;
const MATCHER = /(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"/g;

/** All that it wants of labels. Of a pattern of several words each is one. */
export function matchersOf(expression: string): Matcher[] {
  return [...expression.matchAll(SELECTOR)].flatMap(([, metric = '', matchers = '']) =>
    [...matchers.matchAll(MATCHER)].flatMap<Matcher>(([, label = '', operator = '', value = '']) =>
      operator.endsWith('~')
        ? value.split('|').map((word) => ({ metric, label, value: word, isPattern: true }))
        : [{ metric, label, value, isPattern: false }],
    ),
  );
}

/** The labels by which it joins or sums up. */
export function groupingsOf(expression: string): string[] {
  const lists = [...expression.matchAll(/\b(?:by|without|on|ignoring)\s*\(([^)]*)\)/g)];
  return lists.flatMap(([, list = '']) => list.match(/\w+/g) ?? []);
}

export const fits = ({ value, isPattern }: Matcher, found: string): boolean =>
  isPattern ? new RegExp(`^(?:${value})$`).test(found) : found === value;

/** The labels of each series in what /metrics answers, by the metric. */
export function labelsIn(text: string): Map<string, Record<string, string>[]> {
  const found = new Map<string, Record<string, string>[]>();
  for (const [, metric = '', labels = ''] of text.matchAll(/^([a-z_:][\w:]*)(?:\{(.*)\})? \S+$/gim)) {
    const series = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, name, value]) => [name, value]);
    found.set(metric, [...(found.get(metric) ?? []), Object.fromEntries(series) as Record<string, string>]);
  }
  return found;
}

/** A histogram is exposed under one name, and asked for under three. */
export const familyOf = (metric: string): string => metric.replace(/_(bucket|count|sum)$/, '');

/** With a value in the place of what Grafana fills in. */
export const filledIn = (expression: string): string => expression.replaceAll('$__rate_interval', '1m');
