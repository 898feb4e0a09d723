import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { DatabaseUrls } from '../../src/database/database.module';
import { ExplainedError } from '../../src/database/explained-error';
import type { ServerAnswer, ServerOrder } from './server-process';

/** The application in a process of its own, so that what it spends is its own. */
export interface ServerProcess {
  readonly port: number;
  /** What it has spent of a core until now, in microseconds. */
  cpu(): Promise<number>;
  end(): Promise<void>;
}

/** @throws ExplainedError when it does not start */
export async function startServerProcess(
  urls: DatabaseUrls,
  dataDir: string,
  variables: Record<string, string>,
): Promise<ServerProcess> {
  const child = fork(join(__dirname, 'server-process.js'), { execArgv: [] });
  const ask = async (order: ServerOrder): Promise<number> => {
    child.send(order);
    const [{ figure, failure }] = (await once(child, 'message')) as [ServerAnswer];
    if (failure !== undefined) throw new ExplainedError(`The server could not be measured: ${failure}`);
    return figure;
  };
  const end = async (): Promise<void> => {
    await ask({ kind: 'end' });
    child.disconnect();
    if (child.exitCode === null) await once(child, 'exit');
  };
  try {
    const { ownerUrl, applicationUrl } = urls;
    const port = await ask({ kind: 'start', urls: { ownerUrl, applicationUrl }, dataDir, variables });
    return { port, cpu: () => ask({ kind: 'cpu' }), end };
  } catch (error) {
    child.kill();
    throw error;
  }
}
