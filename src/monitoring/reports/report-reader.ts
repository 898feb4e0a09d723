import type { PoolState } from '../../database/database.service';
import { sqlState } from '../../database/query-events';
import { indexCatalogue } from '../../database/indexes/index-catalogue';
import { NotAvailable } from './not-available';
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

/** SQLSTATE insufficient_privilege. */
const MISSING_RIGHT = '42501';
/** SQLSTATE lock_not_available: reports do not wait long for those who keep everyone else out. */
const LOCKED = '55P03';
/** SQLSTATE query_canceled: the statement took longer than it may. */
const TOO_LONG = '57014';

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

function asNotAvailable(error: unknown): NotAvailable | undefined {
  if (error instanceof NotAvailable) return error;
  const code = sqlState(error);
  if (code === LOCKED)
    return new NotAvailable(
      'access to a table',
      'Somebody keeps everyone else out of a table just now: the report locks shows who, and afterwards this one can be asked again',
    );
  if (code === TOO_LONG)
    return new NotAvailable(
      'an answer in time',
      'PostgreSQL took longer than a report may: ask again when it has less to do, or read the same from psql, which nothing cuts off',
    );
  if (code !== MISSING_RIGHT) return undefined;
  return new NotAvailable(
    'a right',
    `PostgreSQL says "${(error as Error).message}": GRANT pg_monitor TO the role of DATABASE_MIGRATION_URL, or of DATABASE_URL without it`,
  );
}
