import { setTimeout as pause } from 'node:timers/promises';
import { databaseFailure } from '../../database/failures';

export type Signal = 'cancel' | 'terminate';

export type Query = <Row>(text: string, values: readonly unknown[]) => Promise<Row[]>;

/** A process of the server: its number comes again, and the time of its start says that it is still the same. */
export interface Backend {
  readonly pid: number;
  /** Seconds since 1970, as PostgreSQL writes them. */
  readonly started: string;
}

/** An autovacuum worker that is stopped comes again by itself. */
export const STOPPABLE = ['client backend', 'autovacuum worker'];

const THE_SAME = 'pid = $1 AND extract(epoch FROM backend_start)::text = $2';
const SIGNALLED = `
    FROM pg_stat_activity
   WHERE ${THE_SAME} AND datname = current_database() AND backend_type = ANY ($3) AND pid <> pg_backend_pid()`;
const SIGNALS: Record<Signal, string> = {
  cancel: `SELECT pg_cancel_backend(pid) AS sent ${SIGNALLED}`,
  terminate: `SELECT pg_terminate_backend(pid) AS sent ${SIGNALLED}`,
};
const LIVES = `SELECT 1 FROM pg_stat_activity WHERE ${THE_SAME}`;

/** An answer that the end of a session is on its way would help nobody. */
const END_MS = 5_000;
const FIRST_PAUSE_MS = 10;
const LAST_PAUSE_MS = 250;

/** What is known where PostgreSQL does not say that it is done. */
export const UNHEARD: Record<Signal, { readonly reason: string }> = {
  cancel: { reason: 'The process had ended before' },
  terminate: { reason: 'The process has not ended within 5 seconds; it may yet' },
};

/**
 * @returns whether PostgreSQL took the cancellation, or the session has ended, which is waited for; undefined for a process
 *   that is gone, or hidden from this role
 */
export async function signalBackend(
  query: Query,
  { pid, started }: Backend,
  signal: Signal,
): Promise<boolean | undefined> {
  const [answer] = await query<{ sent: boolean }>(SIGNALS[signal], [pid, started, STOPPABLE]);
  if (answer === undefined) return undefined;
  return signal === 'cancel' ? answer.sent : hasEnded(query, [pid, started]);
}

/** Looks again and again by short statements: PostgreSQL's own waiting would keep a connection from others meanwhile. */
async function hasEnded(query: Query, backend: readonly [number, string]): Promise<boolean> {
  const latest = performance.now() + END_MS;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LAST_PAUSE_MS)) {
    if (!(await seemsToLive(query, backend))) return true;
    if (performance.now() + pauseMs > latest) return false;
    await pause(pauseMs);
  }
}

/** The signal is sent: where nobody can say what came of it just now, somebody may in a moment. */
async function seemsToLive(query: Query, backend: readonly [number, string]): Promise<boolean> {
  try {
    return (await query(LIVES, backend)).length > 0;
  } catch (error) {
    if (databaseFailure(error) === undefined) throw error;
    return true;
  }
}
