import { redisInsStore } from 'cache-manager-redis-yet';
import type { RedisClient, RedisClusterClient } from './redis-client';
import { isRefusal, reasonOf } from './redis-errors';
import { SCRIPTS } from './redis-scripts';

export type Send = (args: string[]) => Promise<unknown>;
export type ValueStore = Pick<ReturnType<typeof redisInsStore>, 'get' | 'set' | 'del'>;

/** One connection, or the connections to the nodes of a cluster, for as long as they last. */
export interface Link {
  /** get, set and del of single values. */
  readonly values: ValueStore;
  /** @param key where in a cluster the command goes */
  send(key: string, args: string[]): Promise<unknown>;
  /** By whichever connection has its turn. */
  readonly read: Send;
  /** Ways to every node that holds keys of its own. */
  nodes(): Promise<Send[]>;
  connect(): Promise<unknown>;
  close(): void;
}

type AnyClient = Parameters<typeof redisInsStore>[0];

/**
 * What is written goes by the first client, so that Redis takes one after the other; the others read. When one of them
 * is lost all are: what they were asked last may have got lost with it.
 */
export function singleLink(clients: [RedisClient, ...RedisClient[]], lost: (reason: string) => void): Link {
  const [writer, ...others] = clients;
  const readers = others.length > 0 ? others : [writer];
  for (const client of clients) {
    client.on('error', (error) => lost(reasonOf(error)));
    client.on('end', () => lost('the connection was closed'));
  }
  const send: Send = (args) => writer.sendCommand(args);
  let turn = 0;
  return {
    values: redisInsStore(writer as unknown as AnyClient),
    send: (_key, args) => send(args),
    read: (args) => (readers[turn++ % readers.length] as RedisClient).sendCommand(args),
    nodes: () => Promise.resolve([send]),
    connect: () => Promise.all(clients.map((client) => client.connect())),
    // One that never connected is closed already.
    close: () => clients.forEach((client) => void client.disconnect().catch(() => undefined)),
  };
}

/** With the way to one of its nodes all are lost: that node may have come back with what it had before. */
export function clusterLink(cluster: RedisClusterClient, lost: (reason: string) => void): Link {
  cluster.on('error', (error) => lost(reasonOf(error)));
  const sendTo = async (node: (typeof cluster.masters)[number]): Promise<Send> => {
    const client = await cluster.nodeClient(node);
    return (args) => client.sendCommand(args);
  };
  return {
    values: redisInsStore(cluster as unknown as AnyClient),
    send: (key, args) => cluster.sendCommand(key, false, args),
    read: (args) => cluster.sendCommand(args[1], true, args),
    nodes: () => Promise.all(cluster.masters.map(sendTo)),
    connect: () => cluster.connect(),
    close: () => void cluster.disconnect().catch(() => undefined),
  };
}

/**
 * Lets every node know the scripts, so that none of them has to be repeated behind what was sent after it. Where that
 * is not allowed they are repeated.
 */
export async function loadScripts(link: Link): Promise<void> {
  const nodes = await link.nodes();
  await Promise.all(
    nodes.map((send) => Promise.all(SCRIPTS.map(({ text, hash }) => load(send, text, hash)))),
  );
}

async function load(send: Send, text: string, hash: string): Promise<void> {
  try {
    if ((await send(['SCRIPT', 'LOAD', text])) === hash) return;
  } catch (error) {
    if (isRefusal(error)) return;
    throw error;
  }
  throw new Error('Redis answered something that makes no sense');
}
