import { statementForm } from '../../database/statement-fingerprint';
import { needExtension, type ReportSource } from '../reports/report-source';

/** A form of statement that pg_stat_statements has counted in this database. */
export interface RecordedStatement {
  readonly queryId: string;
  /** With $1, $2 … where values were, so that it can be prepared. */
  readonly text: string;
  /** As it may be shown. */
  readonly form: string;
}

/** A constant that says its type: `interval '1 day'` is recorded as `interval $1`, which is no SQL. */
const TYPED_CONSTANT = /\b(interval|timestamptz|timestamp|date|time)\s+(\$\d+)/gi;

/**
 * A recorded statement by pg_stat_statements' own identifier.
 * @returns undefined where there is none of that number, or its text is hidden from the owner
 * @throws NotAvailable where the extension is not installed
 */
export async function recordedStatement(
  source: Pick<ReportSource, 'query' | 'extension'>,
  queryId: string,
): Promise<RecordedStatement | undefined> {
  const schema = await needExtension(source as ReportSource, 'pg_stat_statements');
  const [row] = await source.query<{ text: string }>(
    `SELECT s.query AS text
       FROM ${schema}.pg_stat_statements s
      WHERE s.queryid = $1::bigint AND s.query <> ''
        AND s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
      ORDER BY s.toplevel DESC, s.calls DESC LIMIT 1`,
    [queryId],
  );
  if (row === undefined) return undefined;
  const text = row.text.replace(TYPED_CONSTANT, '($2::$1)');
  return { queryId, text, form: statementForm(row.text).text };
}
