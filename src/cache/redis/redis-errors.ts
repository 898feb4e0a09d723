import { ErrorReply } from 'redis';

/** An empty message says no more than its name; several addresses of one host fail together. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return reasonOf(error.errors[0]);
  return error instanceof Error ? error.message || error.name : String(error);
}

/** Redis does not know the command, or this user may not give it. */
export const isRefusal = (error: unknown): boolean =>
  error instanceof ErrorReply && /^(NOPERM|ERR unknown)/i.test(error.message);

/** Whoever answers is no master, or not yet: the address leads to another one, or will in a moment. */
export const isNoMaster = (error: unknown): boolean =>
  error instanceof ErrorReply && /^(READONLY|MASTERDOWN|LOADING)\b/.test(error.message);
