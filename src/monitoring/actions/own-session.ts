import { Client } from 'pg';

/** Who waits for it waits no longer than for an answer to be slow. */
const CONNECT_MS = 5_000;
/** A server that ends no statement any more is given up after so much longer. */
const SILENCE_MS = 2_000;

export interface SessionLimits {
  /** In `pg_stat_activity`. */
  readonly application: string;
  readonly statementMs: number;
}

/** A session beside all pools, which stands in no queue; what it set, locked or left open ends with it. */
export async function ownSession<Result>(
  url: string,
  { application, statementMs }: SessionLimits,
  work: (session: Client) => Promise<Result>,
): Promise<Result> {
  const client = new Client({
    connectionString: url,
    application_name: application,
    connectionTimeoutMillis: CONNECT_MS,
    statement_timeout: statementMs,
    query_timeout: statementMs + SILENCE_MS,
  });
  client.on('error', () => undefined); // the statement that runs is told
  try {
    await client.connect();
    return await work(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}
