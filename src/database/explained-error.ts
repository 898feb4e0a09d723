import { ConfigurationError } from '../config/config';
import { EmbeddedDatabaseError } from './embedded/embedded-database.error';

/**
 * Something that goes wrong now and then without anything being wrong with the program: the message is a
 * sentence that says what, where, and what to do.
 */
export class ExplainedError extends Error {}

/** The database cannot be used; the message is one sentence for whoever starts us. */
export class DatabaseNotUsable extends ExplainedError {}

/** Somebody ended the work before its time. */
export class Interrupted extends ExplainedError {}

/** Their homes know nothing of this file; their messages are such sentences too. */
const EXPLAINED = [ExplainedError, ConfigurationError, EmbeddedDatabaseError];

/** What people are told of an error that ends the program: its sentence, or the stack when nobody foresaw it. */
export function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return EXPLAINED.some((kind) => error instanceof kind) ? error.message : (error.stack ?? error.message);
}
