import { TooLate } from '../common/deadline';
import { DomainError } from '../common/domain-error';
import { sqlState } from './query-events';

/**
 * What a failure of the database means for whoever asked:
 * - `away`: it cannot be reached, or the connection broke; it comes back by itself
 * - `busy`: more is wanted than it serves at a time
 * - `slow`: it was stopped because it took too long
 */
export type DatabaseFailure = 'away' | 'busy' | 'slow';

/** SQLSTATEs, whole or by their class (PostgreSQL: Appendix A). */
const SLOW = /^57014/; // query_canceled, which is how a statement timeout looks
const BUSY = /^(53|55P03|40001|40P01)/; // too many connections, no resources, no lock, collisions without end
const AWAY = /^(08|57P0|58|25P0[34])/; // connection lost, shutting down or starting, disk trouble, session ended by a timeout
/** What node says of a socket. */
const SOCKET = /^(E(CONN|PIPE|HOST|NET|AI_|TIMEDOUT)|ENOTFOUND)/;
/** What pg, pg-pool and TypeORM say without any code. */
const READ_TIMEOUT = 'Query read timeout';
const POOL_EXHAUSTED = /^timeout exceeded when trying to connect$/;
const CONNECTION_BROKEN =
  /^(Connection terminated|timeout expired|Query read timeout|Client (has encountered|was closed)|Query runner already released|Cannot use a pool after|Driver not Connected)/;

/** What failed about the database; undefined when the error is of another kind, such as a wrong statement. */
export function databaseFailure(error: unknown): DatabaseFailure | undefined {
  const cause = firstOf(error);
  const code = sqlState(cause) ?? '';
  if (SLOW.test(code)) return 'slow';
  if (BUSY.test(code)) return 'busy';
  if (AWAY.test(code) || SOCKET.test(code)) return 'away';
  const message = cause instanceof Error ? cause.message : '';
  if (POOL_EXHAUSTED.test(message)) return 'busy';
  return CONNECTION_BROKEN.test(message) ? 'away' : undefined;
}

/**
 * Whether there was no answer in time, which tells nothing of what was asked for. Whoever stood still for a moment hears of
 * the connection's own deadline before the asker's shorter one.
 */
export function isUnanswered(error: unknown): boolean {
  const failure = databaseFailure(error);
  return (
    error instanceof TooLate || failure === 'busy' || failure === 'slow' || reasonOf(error) === READ_TIMEOUT
  );
}

/** What went wrong, in the words of PostgreSQL or node, for the log. */
export function reasonOf(error: unknown): string {
  const cause = firstOf(error);
  return cause instanceof Error ? cause.message || cause.name : String(cause);
}

/** A host with several addresses fails once for each of them, and the whole has no message. */
function firstOf(error: unknown): unknown {
  return error instanceof AggregateError ? error.errors[0] : error;
}

/**
 * Whether PostgreSQL itself refused a statement. An error that is not its own, or with which it ended the session, leaves
 * open whether the statement was done.
 */
export function isRefusal(error: unknown): boolean {
  return (error as { severity?: unknown } | null)?.severity === 'ERROR';
}

/**
 * The connection broke while a transaction was being committed: it may be done or not. It is never tried again here, since
 * that could do it twice.
 */
export class CommitOutcomeUnknown extends DomainError {
  readonly code = 'OUTCOME_UNKNOWN';
  readonly kind = 'unavailable';
  override readonly retryAfterSeconds = 1;
  constructor(override readonly cause: unknown) {
    super(
      'The database went away while this was being saved, so it may be done or not: look before you repeat it, or repeat it with the same Idempotency-Key',
    );
  }
}
