import { formatCount } from '../../common/figures';
import type { QueryAnswer, QueryDetail } from './query-detail';
import type { Column } from './report';
import { cellText, rowsTable } from './report-table';
import { slowQueries } from './slow-queries.report';

const ABOUT: ReadonlySet<string> = new Set(['queryId', 'statement']);
const FIGURES = slowQueries.columns.filter(({ key }) => !ABOUT.has(key));
const WIDEST_TITLE = Math.max(...FIGURES.map(({ title }) => title.length));
const POINTS: readonly Column[] = [
  { key: 'at', title: 'until', unit: 'time' },
  { key: 'calls', title: 'calls', unit: 'count' },
  { key: 'totalMs', title: 'total', unit: 'milliseconds' },
  { key: 'meanMs', title: 'mean', unit: 'milliseconds' },
  { key: 'rows', title: 'rows', unit: 'count' },
  { key: 'sharedHit', title: 'blocks hit', unit: 'count' },
  { key: 'sharedRead', title: 'blocks read', unit: 'count' },
];
/** What the line of a step says already, and what is the same for all plans of this kind. */
const SAID: ReadonlySet<string> = new Set([
  'Node Type',
  'Total Cost',
  'Startup Cost',
  'Plan Rows',
  'Plan Width',
  'Schema',
  'Relation Name',
  'Alias',
  'Index Name',
  'Parent Relationship',
  'Plans',
]);

/**
 * A form of statements as text: what it is, what it cost, over time, and its plan.
 * @param width of the terminal; unset, such as for a file: no limit
 */
export function queryText(answer: QueryAnswer, width?: number): string {
  if (!answer.available) return `Not available: ${answer.missing} is missing. ${answer.howTo}.`;
  const { queryId, statement, counters, history, plan } = answer;
  return [
    `Statement ${queryId}\n${statement}`,
    countersText(counters),
    historyText(history, width),
    planText(plan),
  ].join('\n\n');
}

function countersText(counters: QueryDetail['counters']): string {
  if (counters === null) return 'pg_stat_statements has thrown its counters away.';
  const { since, figures } = counters;
  const lines = FIGURES.map(
    (column) => `  ${column.title.padEnd(WIDEST_TITLE)}  ${cellText(figures[column.key] ?? null, column)}`,
  );
  return [`Counted since ${since}`, ...lines].join('\n');
}

function historyText(history: QueryDetail['history'], width: number | undefined): string {
  if (!history.available) return `No history: ${history.missing} is missing. ${history.howTo}.`;
  const { points, notes, stepSeconds } = history;
  const minutes = stepSeconds / 60;
  const head = `Over time, in steps of ${formatCount(minutes)} ${minutes === 1 ? 'minute' : 'minutes'}`;
  const rows = points.map((point) => ({ ...point }));
  return [
    head,
    rows.length === 0 ? 'It was not run.' : rowsTable({ columns: POINTS, rows }, width),
    ...notes.map((note) => `Note: ${note}`),
  ].join('\n');
}

const planText = (plan: QueryDetail['plan']): string =>
  plan.available
    ? ['The plan for any values', ...stepLines(plan.plan, 0)].join('\n')
    : `No plan: ${plan.why}.`;

/** A step on a line, as psql shows it, with what it goes by and what is below it under it. */
function stepLines(step: Readonly<Record<string, unknown>>, depth: number): string[] {
  const indent = '  '.repeat(depth);
  const below = Array.isArray(step['Plans']) ? (step['Plans'] as Record<string, unknown>[]) : [];
  return [
    `${indent}${depth === 0 ? '' : '-> '}${stepTitle(step)}`,
    ...Object.entries(step)
      .filter(([key, value]) => !SAID.has(key) && value !== false)
      .map(
        ([key, value]) => `${indent}     ${key}: ${Array.isArray(value) ? value.join(', ') : String(value)}`,
      ),
    ...below.flatMap((child) => stepLines(child, depth + 1)),
  ];
}

function stepTitle(step: Readonly<Record<string, unknown>>): string {
  const word = (key: string, before: string): string => {
    const value = step[key];
    return typeof value === 'string' || typeof value === 'number' ? `${before}${value}` : '';
  };
  const alias = step['Alias'] === step['Relation Name'] ? '' : word('Alias', ' ');
  return `${word('Node Type', '')}${word('Index Name', ' using ')}${word('Relation Name', ' on ')}${alias}  (cost ${word('Total Cost', '')}, rows ${word('Plan Rows', '')})`;
}
