import 'reflect-metadata';
import { ConfigurationError } from './config/config';
import { EmbeddedDatabaseError } from './database/embedded/embedded-database.error';
import { DatabaseNotUsable } from './database/open-database';
import { ServerNotStarted, startServer } from './server';

/** What can stand in the way without anything being wrong with the program: the sentence says it all. */
const EXPECTED = [ConfigurationError, EmbeddedDatabaseError, DatabaseNotUsable, ServerNotStarted];

startServer(process.env).catch((error: unknown) => {
  const expected = EXPECTED.some((kind) => error instanceof kind);
  const text =
    error instanceof Error ? (expected ? error.message : (error.stack ?? error.message)) : String(error);
  process.stderr.write(`${text}\n`, () => process.exit(1));
});
