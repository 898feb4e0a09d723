import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** A port that nobody is given to listen on, as one that was free a moment ago may be: for who is to find nobody there. */
export const VACANT_PORT = 1;

/** The system gives others to whoever asks for any, from 32768 on where it is Linux: servers of other tests, and connections. */
const [FIRST, END] = [10_000, 20_000];

/** A port of loopback that nobody listens on, nor will, so that a server may also come back to it. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST, END);
    const probe = createServer().listen(port, '127.0.0.1');
    const isFree = await once(probe, 'listening').then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    probe.close();
    await once(probe, 'close');
    return port;
  }
}
