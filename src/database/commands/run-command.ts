import { ConfigurationError, loadConfig, readDotEnv } from '../../config/config';
import { EmbeddedDatabaseError } from '../embedded/embedded-database.error';
import { DatabaseNotUsable, openDatabase, type OpenDatabase } from '../open-database';

const EXPECTED = [ConfigurationError, EmbeddedDatabaseError, DatabaseNotUsable];

/** A command's own refusal: one sentence, exit code 1. */
export class CommandRefused extends Error {}

/**
 * Runs a short command on the database of this environment, the embedded one included: it is started when it
 * is not running, and left as it was found.
 */
export async function runDatabaseCommand(work: (database: OpenDatabase) => Promise<void>): Promise<void> {
  try {
    readDotEnv();
    const config = loadConfig(process.env);
    const database = await openDatabase(config, 'command', (sentence) =>
      process.stderr.write(`${sentence}\n`),
    );
    try {
      await work(database);
    } finally {
      await database.close();
    }
  } catch (error) {
    const expected = [...EXPECTED, CommandRefused].some((kind) => error instanceof kind);
    const text =
      error instanceof Error ? (expected ? error.message : (error.stack ?? error.message)) : String(error);
    process.stderr.write(`${text}\n`);
    process.exitCode = 1;
  }
}
