import { fork } from 'node:child_process';
import { join } from 'node:path';
import { ExplainedError } from '../../src/database/explained-error';
import type { LoadMessage, LoadOrder, LoadResult } from './load-process';

/**
 * Puts a load on a server by a client in another process.
 * @param onShare hears how much of it is done, from 0 to 1
 * @throws ExplainedError when the client could not work; answers of the server are all counted
 */
export function load(order: LoadOrder, onShare: (share: number) => void): Promise<LoadResult> {
  const client = fork(join(__dirname, 'load-process.js'), { execArgv: [] });
  return new Promise((resolve, reject) => {
    client.on('message', (message: LoadMessage) => {
      if ('share' in message) return onShare(message.share);
      client.disconnect();
      if ('result' in message) return resolve(message.result);
      return reject(new ExplainedError(`${order.url} could not be asked: ${message.failure}`));
    });
    client.on('exit', () =>
      reject(new ExplainedError('The client of the load test ended before its work was done')),
    );
    client.send(order);
  });
}
