import type { Socket } from 'node:net';
import { createClient, createCluster } from 'redis';

/** Commands that may wait for their answers at once; more are refused instead of piling up. */
const MAX_WAITING = 20_000;
const READ_BYTES = 64 * 1024;

export type RedisClient = ReturnType<typeof createClient>;
export type RedisClusterClient = ReturnType<typeof createCluster>;

/** The nodes of `redis://a:1,redis://b:2`; one node is no cluster. */
export const nodesOf = (url: string): string[] => url.split(',').map((node) => node.trim());

/**
 * What reads from the socket. The client throws on a reply to no question, out of the socket's event, which would end
 * the process: here it ends the connection.
 */
function guardedRead() {
  return {
    buffer: Buffer.allocUnsafe(READ_BYTES),
    callback(this: Socket, bytes: number, buffer: Uint8Array): boolean {
      try {
        this.emit('data', Buffer.from(buffer.subarray(0, bytes)));
      } catch (error) {
        this.destroy(error as Error);
      }
      return true;
    },
  };
}

const settings = (connectTimeoutMs: number, reconnectStrategy: false | number) => ({
  disableOfflineQueue: true,
  disableClientInfo: true,
  commandsQueueMaxLength: MAX_WAITING,
  socket: { connectTimeout: connectTimeoutMs, reconnectStrategy, onread: guardedRead() },
});

/**
 * A client of one connection: it queues nothing while it has none, and does not connect again, since half of a reply
 * that was cut off would be read as the beginning of the next one. Make a new one instead.
 */
export function makeClient(url: string, connectTimeoutMs: number): RedisClient {
  return createClient({ url, ...settings(connectTimeoutMs, false) });
}

/** A client of a cluster; user, password and TLS are those of the first node. */
export function makeCluster(nodes: readonly string[], connectTimeoutMs: number): RedisClusterClient {
  const { username, password, protocol } = new URL(nodes[0] as string);
  const { socket, ...defaults } = settings(connectTimeoutMs, 200);
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
