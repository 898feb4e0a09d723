import type { StatementRunner } from '../../database/indexes/statement-runner';
import { candidatesOf, together, type Candidate } from './index-advice-candidates';
import { advisedTables, isCovered, type AdvisedTable } from './index-advice-tables';
import {
  keysOf,
  weighedByEstimate,
  weighedByHypoPg,
  type Refused,
  type Weight,
  type Weighed,
} from './index-advice-weighing';
import { readLiveIndexes, type LiveIndexes } from './index-facts';
import { needExtension, type ReportSource } from './report-source';
import { hiddenStatements } from './seen-activity';
import { planOf } from './statement-plan';

/** An index that would serve statements that are really asked. */
export interface Advice {
  readonly table: string;
  readonly index: string;
  /** As SQL. */
  readonly keys: string;
  /** pg_stat_statements' identifiers. */
  readonly statements: readonly string[];
  readonly calls: number;
  readonly totalMs: number;
  /** Of all of the statements together, by the planner. */
  readonly costBefore: number;
  readonly costAfter: number;
  readonly weighedBy: Weight['by'];
  readonly bytes: number;
  /** Rows that were inserted or updated since statistics were reset. */
  readonly writes: number;
  readonly create: string;
  readonly declaration: string;
}

interface Asked {
  readonly queryId: string;
  readonly text: string;
  readonly calls: number;
  readonly totalMs: number;
  readonly rowsPerCall: number;
}

/** A candidate that was weighed for a statement. */
interface Worth {
  readonly asked: Asked;
  readonly table: AdvisedTable;
  readonly candidate: Candidate;
  readonly weight: Weight;
  readonly costBefore: number;
}

/** Statements that are looked at: the rest takes little of all time. */
const STATEMENTS = 60;
/** What somebody asked by hand a few times needs no index. */
const LEAST_CALLS = 10;
/** An index that spares less than that is not worth what writers pay for it. */
const MOST_OF_COST = 0.7;
/** A report is answered within seconds, however many candidates there are; what is being planned then is planned still. */
const WEIGHING_MS = 8_000;
/** Refusals that are told of: their reasons repeat. */
const MOST_REFUSALS = 5;
const MOST_NAME = 63;

const ASKED = (schema: string): string => `
  SELECT s.queryid::text AS "queryId", min(s.query) AS text, sum(s.calls)::float8 AS calls,
         sum(s.total_exec_time)::float8 AS "totalMs", (sum(s.rows) / sum(s.calls))::float8 AS "rowsPerCall"
    FROM ${schema}.pg_stat_statements s
   WHERE s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND s.queryid IS NOT NULL
     AND s.query ~* '\\m(select|update|delete)\\M' AND s.query !~* '\\mpg_(catalog|class|stat_)'
   GROUP BY s.queryid HAVING sum(s.calls) >= $1
   ORDER BY sum(s.total_exec_time) DESC LIMIT $2`;

/**
 * Weighs indexes for the statements that took the most time.
 * @param isLate whether to leave what is not looked at yet
 * @throws NotAvailable where pg_stat_statements is not installed
 */
export async function adviceFor(
  source: ReportSource,
  isLate: () => boolean = after(WEIGHING_MS),
): Promise<{ readonly advice: readonly Advice[]; readonly notes: readonly string[] }> {
  const schema = await needExtension(source, 'pg_stat_statements');
  const hypopg = await source.extension('hypopg');
  const asked = await source.query<Asked>(ASKED(schema), [LEAST_CALLS, STATEMENTS]);
  const tables = await advisedTables(source);
  const live = await readLiveIndexes(source);
  const [setting] = await source.query<{ cost: number }>(
    `SELECT current_setting('random_page_cost')::float8 AS cost`,
  );
  const refusals = new Set<string>();
  const weigher = { hypopg, tables, live, randomPageCost: setting?.cost ?? 4, isLate, refusals };
  const { worth, looked } = await source.session((session) => weighAll(session, weigher, asked));
  const notes = [
    ...notesOn(weigher, looked, asked.length),
    ...live.notes,
    ...(await hiddenStatements(source)),
  ];
  return { advice: put(worth), notes };
}

function after(milliseconds: number): () => boolean {
  const end = performance.now() + milliseconds;
  return () => performance.now() > end;
}

function notesOn({ hypopg, refusals }: Weigher, looked: number, of: number): string[] {
  const notes = [
    `Looked at ${looked} of the ${of} statements that took the most time and were asked ${LEAST_CALLS} times or more`,
    ...[...refusals].slice(0, MOST_REFUSALS),
  ];
  if (hypopg === undefined)
    notes.push(
      'HypoPG is not installed: gains and sizes are estimates by the figures of the plan. With its package on the server (postgresql-NN-hypopg), CREATE EXTENSION hypopg lets the planner judge',
    );
  return notes;
}

interface Weigher {
  readonly hypopg: string | undefined;
  readonly tables: ReadonlyMap<string, AdvisedTable>;
  readonly live: LiveIndexes;
  readonly randomPageCost: number;
  readonly isLate: () => boolean;
  /** Why candidates could not be weighed, in sentences. */
  readonly refusals: Set<string>;
}

async function weighAll(
  session: StatementRunner,
  weigher: Weigher,
  statements: readonly Asked[],
): Promise<{ worth: Worth[]; looked: number }> {
  const worth: Worth[] = [];
  let looked = 0;
  for (const asked of statements) {
    if (weigher.isLate()) break;
    const best = await bestFor(session, weigher, asked);
    worth.push(...best.worth);
    if (best.whole) looked += 1;
  }
  return { worth, looked };
}

/** The best index of each table for one statement; `whole` when all candidates were weighed. */
async function bestFor(
  session: StatementRunner,
  weigher: Weigher,
  asked: Asked,
): Promise<{ readonly worth: readonly Worth[]; readonly whole: boolean }> {
  const { tables, live } = weigher;
  const planned = await planOf(session, asked.text);
  if (!('plan' in planned)) return { worth: [], whole: true };
  const statement = { text: asked.text, plan: planned.plan };
  const best = new Map<string, Worth>();
  const candidates = candidatesOf(planned.plan, (relation) => tables.get(relation)?.rows, asked.rowsPerCall);
  for (const candidate of together(candidates, (relation) => tables.get(relation)?.name ?? relation)) {
    const table = tables.get(candidate.relation);
    if (table === undefined || !candidate.columns.every(({ column }) => table.columns.has(column))) continue;
    if (isCovered(candidate, table.name, live)) continue;
    if (weigher.isLate()) return { worth: [...best.values()], whole: false };
    const weight = await weigh(session, weigher, statement, candidate, table);
    const costBefore = planned.plan['Total Cost'];
    if (weight === undefined || weight.cost > MOST_OF_COST * costBefore) continue;
    const known = best.get(table.name);
    if (known === undefined || weight.cost < known.weight.cost)
      best.set(table.name, { asked, table, candidate, weight, costBefore });
  }
  return { worth: [...best.values()], whole: true };
}

/** HypoPG knows no index of a whole partitioned table. */
async function weigh(
  session: StatementRunner,
  { hypopg, randomPageCost, refusals }: Weigher,
  statement: Weighed,
  candidate: Candidate,
  table: AdvisedTable,
): Promise<Weight | undefined> {
  if (hypopg === undefined || table.partitioned)
    return weighedByEstimate(statement, candidate, table, randomPageCost);
  const weight = await weighedByHypoPg(session, hypopg, statement, candidate, table);
  if (weight === undefined || !('refused' in weight)) return weight;
  refusals.add(refusal(weight, table, candidate));
  return undefined;
}

const refusal = ({ refused }: Refused, table: AdvisedTable, candidate: Candidate): string =>
  `HypoPG cannot weigh an index on ${table.name} (${columnsText(candidate)}), which is left out: ${refused}`;

const columnsText = ({ columns }: Candidate): string =>
  columns.map(({ column, descending }) => `${column}${descending ? ' DESC' : ''}`).join(', ');

/** One line for each index; one that begins another goes with it. */
function put(worth: readonly Worth[]): Advice[] {
  const groups = new Map<string, Worth[]>();
  for (const one of worth.toSorted((a, b) => b.candidate.columns.length - a.candidate.columns.length)) {
    const keys = columnsText(one.candidate);
    const place = [...groups.keys()].find((key) => `${key}, `.startsWith(`${one.table.name} (${keys}, `));
    const key = place ?? `${one.table.name} (${keys}`;
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return [...groups.values()].flatMap(adviceOf).sort((a, b) => b.totalMs - a.totalMs);
}

function adviceOf(group: readonly Worth[]): Advice[] {
  const [first] = group;
  if (first === undefined) return [];
  const { table, candidate, weight } = first;
  const total = (of: (one: Worth) => number): number => group.reduce((sum, one) => sum + of(one), 0);
  const columns = candidate.columns.map(({ column }) => column);
  const index = `${table.name}_${columns.join('_')}`.replace(/\W/g, '_').slice(0, MOST_NAME);
  const keys = keysOf(candidate, table);
  const statements = [...new Set(group.map(({ asked }) => asked.queryId))];
  return [
    {
      table: table.name,
      index,
      keys,
      statements,
      calls: total(({ asked }) => asked.calls),
      totalMs: total(({ asked }) => asked.totalMs),
      costBefore: total(({ costBefore }) => costBefore),
      costAfter: total(({ weight: { cost } }) => cost),
      weighedBy: weight.by,
      bytes: weight.bytes,
      writes: table.nTupIns + table.nTupUpd,
      create: `CREATE INDEX ${table.partitioned ? '' : 'CONCURRENTLY '}${index} ON ${table.sql} (${keys})`,
      declaration: declarationOf(index, candidate, table.name),
    },
  ];
}

/** The decorator, with a question that the index answers: the statements may ask for more. */
function declarationOf(index: string, { columns, equal }: Candidate, table: string): string {
  const names = columns.map(({ column }) => column);
  const on = names.map((column) => `'${propertyOf(column)}'`).join(', ');
  const descending = columns.filter((key) => key.descending);
  const order = descending.map(({ column }) => `${propertyOf(column)}: 'DESC'`).join(', ');
  const compared = names.slice(0, equal);
  const then = columns.slice(equal).map((key) => `${key.column}${key.descending ? ' DESC' : ''}`);
  const where = compared.map((column) => `${column} = :${column}`).join(' AND ');
  const query = [
    `SELECT ${names.join(', ')} FROM ${table}`,
    ...(where === '' ? [] : [`WHERE ${where}`]),
    ...(then.length === 0 ? [] : [`ORDER BY ${then.join(', ')} LIMIT 50`]),
  ].join(' ');
  const by = compared.length === 0 ? '' : ` by ${compared.join(', ')}`;
  const serves = `${table}${by}${then.length === 0 ? '' : `, in the order of ${then.join(', ')}`}`;
  return `@PerformanceIndex('${index}', { on: [${on}],${order === '' ? '' : ` order: { ${order} },`} serves: '${serves}', query: '${query}' })`;
}

const propertyOf = (column: string): string =>
  column.replace(/_([a-z\d])/g, (_, letter: string) => letter.toUpperCase());
