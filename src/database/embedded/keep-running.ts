import { setTimeout as delay } from 'node:timers/promises';
import { systemReason } from './embedded-database.error';
import {
  startEmbeddedPostgres,
  type EmbeddedDatabase,
  type EmbeddedDatabaseOptions,
} from './embedded-postgres';

const LOOK_MS = 500;
const RETRY_MS = 5_000;

/** A database that somebody looks after. */
export interface Keeper {
  /** Lets it go down for good, and resolves when it has gone. */
  stop(): Promise<void>;
}

/**
 * Looks after the embedded database of a server, since nobody else does: when its postmaster has ended, by the hand of an
 * operator or for want of memory, it is started again on the port where the server's connections look for it.
 */
export function keepRunning(first: EmbeddedDatabase, options: EmbeddedDatabaseOptions): Keeper {
  let database = first;
  let restarting: Promise<void> | undefined;
  const stopping = new AbortController();

  const look = (): void => {
    if (restarting !== undefined || database.isRunning()) return;
    options.say('PostgreSQL ended without being told to: it is started again.');
    restarting = restart().finally(() => (restarting = undefined));
  };
  const restart = async (): Promise<void> => {
    let told: string | undefined;
    while (!stopping.signal.aborted) {
      try {
        await database.stop(); // gives up its claim, and makes the port free when a command started it elsewhere
        database = await startEmbeddedPostgres({ ...options, port: first.port });
        if (database.port === first.port) return;
      } catch (error) {
        const reason = systemReason(error);
        if (reason !== told) options.say(reason);
        told = reason;
        await delay(RETRY_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
      }
    }
  };

  const timer = setInterval(look, LOOK_MS);
  timer.unref();
  return {
    stop: async () => {
      clearInterval(timer);
      stopping.abort();
      await restarting;
      await database.stop();
    },
  };
}
