import { formatCount } from '../../common/figures';
import type { PoolState } from '../../database/database.service';
import { indexCatalogue } from '../../database/indexes/index-catalogue';
import { asNotAvailable } from './not-available';
import type { AskedQuery, Column, Finding, Reading, Report, ReportQuery } from './report';
import type { ReportDatabase } from './report-database';
import { MOST_ROWS } from './report-query';
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
  /** How many rows there are; `rows` has the first of them. */
  readonly total: number;
  readonly rows: Reading['rows'];
  readonly findings: readonly Finding[];
  readonly notes: readonly string[];
  readonly summary?: Reading['summary'];
}

/** More than a database of ours has of anything that its catalogue lists. */
const SHOWN_ROWS = 500;

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

/**
 * Reads a report; where something is missing for it the answer says what, and how to get it. Findings are never cut, and
 * rows not without a note.
 */
export async function readReport(
  report: Report,
  source: ReportSource,
  { limit = report.shownRows ?? SHOWN_ROWS, ...span }: AskedQuery,
): Promise<ReportAnswer> {
  const { name, title, meaning, remedy, columns } = report;
  const about = { report: name, title, meaning, remedy, asOf: new Date().toISOString(), columns };
  try {
    const query = report.hasHistory ? { limit, ...span } : { limit };
    const { rows, findings = [], notes = [], summary } = await report.read(source, query);
    return {
      ...about,
      available: true,
      total: rows.length,
      rows: rows.slice(0, limit),
      findings,
      notes: [...notes, ...withoutHistory(report, span), ...cutNote(rows.length, limit)],
      ...(summary && { summary }),
    };
  } catch (error) {
    const absent = asNotAvailable(error);
    if (absent === undefined) throw error;
    const { missing, howTo } = absent;
    return { ...about, available: false, missing, howTo, total: 0, rows: [], findings: [], notes: [] };
  }
}

/** Whoever looks at all reports of a span of time is not refused by those that know only now. */
function withoutHistory({ name, hasHistory }: Report, { from, to }: Omit<ReportQuery, 'limit'>): string[] {
  if (hasHistory || (from ?? to) === undefined) return [];
  return [`Shows now: ${name} has no history, and from and to are left out of account`];
}

function cutNote(total: number, limit: number): string[] {
  if (total <= limit) return [];
  const most = Math.min(total, MOST_ROWS);
  return [
    `${formatCount(limit)} of ${formatCount(total)} rows: ?limit=${most} (--limit ${most}) shows ${most === total ? 'all' : 'more'}`,
  ];
}
