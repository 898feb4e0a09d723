import { connect, type Socket } from 'node:net';

/**
 * Asks one route over and over, in a process of its own: what it takes must not be taken from the server. The answers are
 * counted, not read: a client that parses them would be slower than what it measures.
 */

/** What to ask for, how often, and over how many connections at once. */
export interface LoadOrder {
  readonly port: number;
  readonly path: string;
  readonly requests: number;
  readonly connections: number;
}

/** How it went. */
export interface LoadResult {
  readonly milliseconds: number;
  /** A sentence when it did not. */
  readonly failure?: string;
}

const END_OF_HEAD = Buffer.from('\r\n\r\n');
const LENGTH = /\r\ncontent-length: (\d+)/i;

async function work(order: LoadOrder): Promise<LoadResult> {
  const request = `GET ${order.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\n\r\n`;
  const started = performance.now();
  const left = { requests: order.requests };
  try {
    await Promise.all(Array.from({ length: order.connections }, () => askOn(order.port, request, left)));
    return { milliseconds: performance.now() - started };
  } catch (error) {
    return { milliseconds: 0, failure: (error as Error).message };
  }
}

/** One connection: the next request as soon as the last one is answered. */
function askOn(port: number, request: string, left: { requests: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    const ask = (): void => {
      if (left.requests-- > 0) socket.write(request);
      else socket.end(resolve);
    };
    socket.setNoDelay(true).on('connect', ask).on('error', reject);
    onAnswers(socket, ask, reject);
  });
}

function onAnswers(socket: Socket, onAnswer: () => void, onRubbish: (error: Error) => void): void {
  let received: Buffer = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    const head = received.indexOf(END_OF_HEAD);
    if (head < 0) return;
    const text = received.toString('latin1', 0, head);
    const [, length] = LENGTH.exec(text) ?? [];
    if (!text.startsWith('HTTP/1.1 200') || length === undefined) {
      socket.destroy();
      return onRubbish(new Error(`the server answered ${text.slice(0, 40).replaceAll(/\s+/g, ' ')}…`));
    }
    if (received.length < head + END_OF_HEAD.length + Number(length)) return;
    received = Buffer.alloc(0);
    onAnswer();
  });
}

process.on('message', (order: LoadOrder) => {
  void work(order).then((result) => process.send?.(result));
});
