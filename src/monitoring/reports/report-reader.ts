import type { PoolState } from '../../database/database.service';
import { indexCatalogue } from '../../database/indexes/index-catalogue';
import { asNotAvailable } from './not-available';
import type { Column, Finding, Reading, Report, ReportQuery } from './report';
import type { ReportDatabase } from './report-database';
import type { ReportSource } from './report-source';

/** What an administrator is told, and a command prints. */
export interface ReportAnswer {
  readonly report: string;
  readonly title: string;
  readonly meaning: string;
  readonly remedy: string;
  readonly asOf: string;
  readonly available: boolean;
  /** What is missing for it, and how to get it; only where it is not available. */
  readonly missing?: string;
  readonly howTo?: string;
  readonly columns: readonly Column[];
  readonly rows: Reading['rows'];
  readonly findings: readonly Finding[];
  readonly notes: readonly string[];
  readonly summary?: Reading['summary'];
}

/** @param poolState of this process; undefined where none serves in it */
export async function sourceOf(database: ReportDatabase, poolState?: PoolState): Promise<ReportSource> {
  return {
    serverVersion: await database.serverVersion(),
    catalogue: indexCatalogue(),
    pool: poolState,
    query: (text, values) => database.query(text, values),
    session: (work) => database.session(work),
    migrations: () => database.migrations(),
    extension: async (name) => {
      const [row] = await database.query<{ schema: string }>(
        `SELECT quote_ident(n.nspname) AS schema
           FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = $1`,
        [name],
      );
      return row?.schema;
    },
  };
}

/** Reads a report; where something is missing for it the answer says what, and how to get it. */
export async function readReport(
  report: Report,
  source: ReportSource,
  query: ReportQuery,
): Promise<ReportAnswer> {
  const { name, title, meaning, remedy, columns } = report;
  const about = { report: name, title, meaning, remedy, asOf: new Date().toISOString(), columns };
  try {
    const { rows, findings = [], notes = [], summary } = await report.read(source, query);
    const shown = rows.slice(0, query.limit);
    return { ...about, available: true, rows: shown, findings, notes, ...(summary && { summary }) };
  } catch (error) {
    const absent = asNotAvailable(error);
    if (absent === undefined) throw error;
    const { missing, howTo } = absent;
    return { ...about, available: false, missing, howTo, rows: [], findings: [], notes: [] };
  }
}
