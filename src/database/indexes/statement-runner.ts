import type { ClientBase, QueryConfig } from 'pg';

/** What can run a statement: a `Client` of pg, or a migration's `QueryRunner`. */
export interface StatementRunner {
  query(text: string, values?: unknown[]): Promise<unknown>;
}

/** What pg takes, beside a text with its values. */
interface ExtendedQuery extends QueryConfig {
  readonly queryMode: 'extended';
}

/**
 * A session as a runner. A text that comes with values, be they none, goes by the extended protocol: PostgreSQL takes it for
 * one statement, and refuses two, whatever stands in it. Without any it may be several.
 */
export const runnerOf = (client: ClientBase): StatementRunner => ({
  query(text, values) {
    if (values === undefined) return client.query(text);
    const statement: ExtendedQuery = { text, values, queryMode: 'extended' };
    return client.query(statement);
  },
});

/** The rows of a statement's answer; none where whoever runs it only writes statements down. */
export async function rowsOf<Row>(
  runner: StatementRunner,
  text: string,
  values?: readonly unknown[],
): Promise<Row[]> {
  const answer = await (values === undefined ? runner.query(text) : runner.query(text, [...values]));
  if (Array.isArray(answer)) return answer as Row[];
  return (answer as { rows?: Row[] } | null | undefined)?.rows ?? [];
}
