import { needExtension, type ReportSource } from '../reports/report-source';
import { planNodes, type PlanNode } from '../reports/plan-node';
import { planOf, recordedText } from '../reports/statement-plan';

/** A smaller table is read from its beginning to its end about as quickly as by an index. */
const LARGE_ROWS = 10_000;

/** A recorded statement that reads all of a large table. */
export interface ReadInFull {
  readonly queryId: string;
  readonly table: string;
  readonly rows: number;
}

/** What came of planning statements. */
export interface PlannedAgain {
  /** How many could be planned. */
  readonly planned: number;
  readonly found: readonly ReadInFull[];
}

/**
 * Plans recorded statements for any values and finds those that read a large table from its beginning to its end.
 * @param queryIds of pg_stat_statements
 * @throws NotAvailable where pg_stat_statements is not installed
 */
export async function planAgain(source: ReportSource, queryIds: readonly string[]): Promise<PlannedAgain> {
  const schema = await needExtension(source, 'pg_stat_statements');
  const texts = await Promise.all(queryIds.map((queryId) => recordedText(source, schema, queryId)));
  const rows = await largeTables(source);
  const found: ReadInFull[] = [];
  let planned = 0;
  await source.session(async (session) => {
    for (const [place, text] of texts.entries()) {
      const answer = text === undefined ? undefined : await planOf(session, text);
      if (answer === undefined || !('plan' in answer)) continue;
      planned++;
      const table = tablesInFull(answer.plan).find((name) => rows.has(name));
      if (table !== undefined)
        found.push({ queryId: queryIds[place] as string, table, rows: rows.get(table) ?? 0 });
    }
  });
  return { planned, found };
}

/** Below a LIMIT that needs a few rows only the whole costs less than the scan, which then ends early. */
const tablesInFull = (plan: PlanNode): string[] =>
  planNodes(plan)
    .filter((node) => node['Node Type'] === 'Seq Scan' && node['Total Cost'] <= plan['Total Cost'])
    .flatMap((node) => node['Relation Name'] ?? []);

/** By their names, with how many rows PostgreSQL takes them to have. */
async function largeTables(source: ReportSource): Promise<ReadonlyMap<string, number>> {
  const tables = await source.query<{ name: string; rows: number }>(
    `SELECT relname AS name, reltuples::float8 AS rows FROM pg_class
      WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND reltuples >= $1`,
    [LARGE_ROWS],
  );
  return new Map(tables.map(({ name, rows }) => [name, rows]));
}
