import { Interrupted } from '../explained-error';
import type { Step } from '../indexes/index-step';
import type { BuildOptions } from '../indexes/run-step';
import type { OwnerSession } from '../schema/owner-session';
import { BuildBar } from './build-bar';
import { stopSignal } from './run-command';

/** Cancelling is repeated: between two statements there is nothing to cancel. */
const CANCEL_EVERY_MS = 200;

/**
 * Builds with a progress bar, and ends at Ctrl-C: the statement that runs is cancelled on the server.
 * @param steps what will be done, as far as it is known
 * @throws Interrupted
 */
export async function whileBuilding<Result>(
  { runner, dataSource }: OwnerSession,
  steps: readonly Step[],
  build: (options: BuildOptions) => Promise<Result>,
): Promise<Result> {
  const rows = (await runner.query('SELECT pg_backend_pid() AS pid')) as { pid: number }[];
  const pid = rows[0]?.pid ?? 0;
  const signal = stopSignal();
  const bar = new BuildBar(process.stderr, dataSource, pid, steps);
  let cancelling: NodeJS.Timeout | undefined;
  const cancel = (): void => {
    cancelling = setInterval(() => {
      dataSource.query('SELECT pg_cancel_backend($1)', [pid]).catch(() => undefined);
    }, CANCEL_EVERY_MS);
  };
  signal.addEventListener('abort', cancel);
  try {
    return await build({ signal, onProgress: bar.tell });
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new Interrupted('Stopped: what is finished stays, and the next npm run db:indexes does the rest', {
      cause: error,
    });
  } finally {
    clearInterval(cancelling);
    await bar.end();
  }
}
