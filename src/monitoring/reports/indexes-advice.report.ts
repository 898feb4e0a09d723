import { formatBytes, formatCount, formatMilliseconds, formatShare } from '../../common/figures';
import { adviceFor, type Advice } from './index-advice';
import type { Finding, Report } from './report';

/** Below, it is worth knowing, and no more. */
const MUCH_TIME_MS = 1_000;

interface Row {
  table: string;
  index: string;
  columns: string;
  statements: readonly string[];
  calls: number;
  totalMs: number;
  costBefore: number;
  costAfter: number;
  gain: number;
  weighedBy: string;
  bytes: number;
  writes: number;
  create: string;
  declaration: string;
}

/** Which indexes would make real statements cheaper. */
export const indexesAdvice: Report<keyof Row> = {
  name: 'indexes/advice',
  title: 'Indexes that real statements ask for',
  meaning:
    'For the statements that took the most time and read a table from beginning to end, or sort many rows: the index that would spare it, what the planner says the statement costs now and with it, and what it costs: its size, and one more index to keep with every row that was written. Weighed by HypoPG where it is installed, else by an estimate.',
  remedy:
    'Declare the index on the entity with the question it answers, npm run db:generate, and npm run db:indexes builds it without keeping anybody out. An estimate is no proof: look at the plan afterwards (queries/:id), and drop what is not read (indexes/unused).',
  columns: [
    { key: 'table', title: 'table', unit: 'text' },
    { key: 'columns', title: 'columns', unit: 'text' },
    { key: 'gain', title: 'cheaper by', unit: 'ratio' },
    { key: 'weighedBy', title: 'weighed by', unit: 'text' },
    { key: 'calls', title: 'calls', unit: 'count' },
    { key: 'totalMs', title: 'time of all calls', unit: 'milliseconds' },
    { key: 'costBefore', title: 'cost', unit: 'count' },
    { key: 'costAfter', title: 'with it', unit: 'count' },
    { key: 'bytes', title: 'size', unit: 'bytes' },
    { key: 'writes', title: 'rows written', unit: 'count' },
    { key: 'statements', title: 'query ids', unit: 'text' },
    { key: 'index', title: 'name', unit: 'text' },
    { key: 'create', title: 'SQL', unit: 'text' },
    { key: 'declaration', title: 'on the entity', unit: 'text' },
  ],
  async read(source) {
    const { advice, notes } = await adviceFor(source);
    return { rows: advice.map(rowOf), findings: advice.map(findingOf), notes };
  },
};

const gainOf = ({ costBefore, costAfter }: Advice): number =>
  costBefore > 0 ? Math.max(0, 1 - costAfter / costBefore) : 0;

const rowOf = (advice: Advice): Row => ({
  table: advice.table,
  index: advice.index,
  columns: advice.keys,
  statements: advice.statements,
  calls: advice.calls,
  totalMs: advice.totalMs,
  costBefore: advice.costBefore,
  costAfter: advice.costAfter,
  gain: gainOf(advice),
  weighedBy: advice.weighedBy,
  bytes: advice.bytes,
  writes: advice.writes,
  create: advice.create,
  declaration: advice.declaration,
});

function findingOf(advice: Advice): Finding {
  const { table, keys, statements, calls, totalMs, weighedBy, bytes, writes, create, declaration } = advice;
  const asked = statements.length === 1 ? 'a statement' : `${statements.length} statements`;
  const how = weighedBy === 'HypoPG' ? 'by the planner, with HypoPG' : 'by an estimate';
  return {
    severity: totalMs >= MUCH_TIME_MS ? 'warn' : 'info',
    subject: table,
    detail: `an index on (${keys}) would make ${asked} ${formatShare(gainOf(advice))} cheaper, ${how}: ${formatCount(calls)} calls took ${formatMilliseconds(totalMs)}; it takes about ${formatBytes(bytes)}, and ${formatCount(writes)} rows were written that it would have kept up with`,
    remedy: `${create}; on the entity: ${declaration}`,
  };
}
