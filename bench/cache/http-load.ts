import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { ExplainedError } from '../../src/database/explained-error';
import type { LoadOrder, LoadResult } from './http-load-process';

/** A client in another process. */
export interface HttpLoad {
  /**
   * Asks so often, and waits for all answers.
   * @throws ExplainedError when the server answers anything but 200
   */
  ask(order: LoadOrder): Promise<void>;
  end(): Promise<void>;
}

export function startHttpLoad(): HttpLoad {
  const client = fork(join(__dirname, 'http-load-process.js'), { execArgv: [] });
  return {
    async ask(order) {
      client.send(order);
      const [result] = (await once(client, 'message')) as [LoadResult];
      if (result.failure !== undefined)
        throw new ExplainedError(`HTTP could not be measured: ${result.failure}`);
    },
    async end() {
      client.disconnect();
      await once(client, 'exit');
    },
  };
}
