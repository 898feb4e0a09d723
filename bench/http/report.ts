import Table from 'cli-table3';
import { formatBytes, formatCount, formatMilliseconds } from '../../src/common/figures';
import { missedPromises, refused, type TestedLoad } from './load-tests';

/** Where and when was measured. */
export interface Circumstances {
  readonly measuredAt: string;
  readonly release: string;
  readonly node: string;
  readonly cores: number;
  /** `its own server`, or the URL of another. */
  readonly server: string;
}

/** For people. */
export function loadTable(
  { measuredAt, release, node, cores, server }: Circumstances,
  tested: readonly TestedLoad[],
): string {
  const table = new Table({
    head: [
      '',
      'connec-\ntions',
      'requests',
      'a second',
      'bytes\na second',
      'p50',
      'p90',
      'p97.5',
      'p99',
      'max',
      'errors',
      'not 2xx',
    ],
    colAligns: ['left', ...Array.from({ length: 11 }, () => 'right' as const)],
    style: { head: [], border: [], compact: true },
  });
  for (const load of tested) table.push(rowOf(load));
  return `GridTokenX ${release} on ${server}, Node ${node}, ${cores} cores, ${measuredAt}\n\n${table.toString()}`;
}

function rowOf({ test, result }: TestedLoad): string[] {
  const { requests, seconds, bytes, latency, errors } = result;
  const { p50, p90, p99, max } = latency;
  return [
    `GET ${test.path}`,
    String(test.connections),
    formatCount(requests),
    formatCount(Math.round(requests / seconds)),
    formatBytes(Math.round(bytes / seconds)),
    ...[p50, p90, latency['p97.5'], p99, max].map(formatMilliseconds),
    formatCount(errors),
    notSuccesses(refused(result)),
  ];
}

const notSuccesses = (answers: readonly [string, number][]): string =>
  answers.length === 0 ? '0' : answers.map(([status, count]) => `${count} × ${status}`).join('\n');

/** For machines, and as it is kept; times in milliseconds. */
export const loadFigures = (circumstances: Circumstances, tested: readonly TestedLoad[]) => ({
  ...circumstances,
  tests: tested.map(({ test, result }) => ({
    name: test.name,
    path: test.path,
    connections: test.connections,
    requests: result.requests,
    seconds: rounded(result.seconds),
    perSecond: rounded(result.requests / result.seconds),
    bytesPerSecond: Math.round(result.bytes / result.seconds),
    latencyMs: Object.fromEntries(Object.entries(result.latency).map(([name, ms]) => [name, rounded(ms)])),
    errors: result.errors,
    statuses: result.statuses,
  })),
  missed: missedPromises(tested),
});

const rounded = (figure: number): number => Number(figure.toPrecision(4));
