import { loadConfig, readDotEnv } from '../../config/config';
import { explain, ExplainedError, Interrupted } from '../explained-error';
import { openDatabase, type OpenDatabase } from '../open-database';

/** Exit code of what Ctrl-C ended. */
const INTERRUPTED = 130;

/** A command's own refusal: one sentence, exit code 1. */
export class CommandRefused extends ExplainedError {}

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
    process.stderr.write(`${explain(error)}\n`);
    process.exitCode = error instanceof Interrupted ? INTERRUPTED : 1;
  }
}

/** Fires at the first Ctrl-C, or when somebody else ends the process; the second time it ends at once. */
export function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => stop.abort());
  return stop.signal;
}
