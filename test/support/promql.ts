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

/** A histogram is exposed under one name, and asked for under three. */
export const familyOf = (metric: string): string => metric.replace(/_(bucket|count|sum)$/, '');

/** With a value in the place of what Grafana fills in. */
export const filledIn = (expression: string): string => expression.replaceAll('$__rate_interval', '1m');
