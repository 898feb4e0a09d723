import type { Socket } from 'node:net';
import { createClient, createCluster } from 'redis';

/** Commands that may wait for their answers at once; more are refused instead of piling up. */
const MAX_WAITING = 20_000;
/** Read at once: more than the socket's own 64 kB, since each time costs as much as taking some answers apart. */
const READ_BYTES = 256 * 1024;
const MESSAGE_BYTES = 64 * 1024;
/** Written at once. By the socket's own 16 kB every third answer of a burst would wait until the ones before it are out. */
const WRITE_BYTES = 1024 * 1024;

export type RedisClient = ReturnType<typeof createClient>;
export type RedisClusterClient = ReturnType<typeof createCluster>;

/** The nodes of `redis://a:1,redis://b:2`; one node is no cluster. */
export const nodesOf = (url: string): string[] => url.split(',').map((node) => node.trim());

/**
 * What reads from the socket. The client throws on a reply to no question, out of the socket's event, which would end
 * the process: here it ends the connection.
 * @param keepsBytes messages of a subscription are pieced together from what was read; replies become text at once
 */
function guardedRead(keepsBytes: boolean) {
  const buffer = Buffer.allocUnsafeSlow(keepsBytes ? MESSAGE_BYTES : READ_BYTES);
  return {
    buffer,
    callback(this: Socket, bytes: number): boolean {
      const read = buffer.subarray(0, bytes);
      try {
        this.emit('data', keepsBytes ? Buffer.from(read) : read);
      } catch (error) {
        this.destroy(error as Error);
      }
      return true;
    },
  };
}

const settings = (connectTimeoutMs: number, keepsBytes = false) => ({
  disableOfflineQueue: true,
  disableClientInfo: true,
  commandsQueueMaxLength: MAX_WAITING,
  socket: {
    connectTimeout: connectTimeoutMs,
    reconnectStrategy: false as const,
    onread: guardedRead(keepsBytes),
    writableHighWaterMark: WRITE_BYTES,
  },
});

/**
 * A client of one connection: it queues nothing while it has none, and does not connect again, since half of a reply
 * that was cut off would be read as the beginning of the next one. Make a new one instead.
 */
export function makeClient(url: string, connectTimeoutMs: number): RedisClient {
  return createClient({ url, ...settings(connectTimeoutMs) });
}

/** The same for one that only listens. */
export function makeSubscriber(url: string, connectTimeoutMs: number): RedisClient {
  return createClient({ url, ...settings(connectTimeoutMs, true) });
}

/** A client of a cluster; user, password and TLS are those of the first node. */
export function makeCluster(nodes: readonly string[], connectTimeoutMs: number): RedisClusterClient {
  const { username, password, protocol } = new URL(nodes[0] as string);
  const { socket, ...defaults } = settings(connectTimeoutMs);
  return createCluster({
    rootNodes: nodes.map((url) => ({ url })),
    minimizeConnections: true,
    defaults: {
      ...defaults,
      ...(username === '' ? {} : { username: decodeURIComponent(username) }),
      ...(password === '' ? {} : { password: decodeURIComponent(password) }),
      socket: protocol === 'rediss:' ? { ...socket, tls: true } : socket,
    },
  });
}
