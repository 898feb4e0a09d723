import { statementForm } from '../../database/statement-fingerprint';
import { needExtension, type ReportSource } from '../reports/report-source';
import { preparable, recordedText } from '../reports/statement-plan';

/** A form of statement that pg_stat_statements has counted in this database. */
export interface RecordedStatement {
  readonly queryId: string;
  /** With $1, $2 … where values were, so that it can be prepared. */
  readonly text: string;
  /** As it may be shown. */
  readonly form: string;
}

/**
 * A recorded statement by pg_stat_statements' own identifier.
 * @returns undefined where there is none of that number
 * @throws NotAvailable where the extension is not installed
 */
export async function recordedStatement(
  source: ReportSource,
  queryId: string,
): Promise<RecordedStatement | undefined> {
  const schema = await needExtension(source, 'pg_stat_statements');
  const text = await recordedText(source, schema, queryId);
  if (text === undefined) return undefined;
  return { queryId, text: preparable(text), form: statementForm(text).text };
}
