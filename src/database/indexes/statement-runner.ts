/** What can run a statement: a `Client` of pg, or a migration's `QueryRunner`. */
export interface StatementRunner {
  query(text: string, values?: unknown[]): Promise<unknown>;
}

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
