import { redisInsStore } from 'cache-manager-redis-yet';
import { withinDeadline } from '../deadline';
import { makeClient, makeCluster, nodesOf, type RedisClient, type RedisClusterClient } from './redis-client';
import type { Script } from './redis-scripts';

export type Send = (args: string[]) => Promise<unknown>;
type ValueStore = Pick<ReturnType<typeof redisInsStore>, 'get' | 'set' | 'del'>;

const FIRST_PAUSE_MS = 50;
const LAST_PAUSE_MS = 2_000;

/** There is no connection. */
export class RedisAway extends Error {
  constructor() {
    super('there is no connection to Redis');
  }
}

interface Watcher {
  connected(): void;
  lost(reason: string): void;
}

/** One connection, or the connections to the nodes of a cluster, for as long as they last. */
interface Link {
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

/**
 * The way to Redis, by one node or a cluster. It is made anew whenever it is lost, with growing pauses; meanwhile
 * everything is refused at once.
 */
export class RedisConnection {
  readonly isCluster: boolean;
  private link: Link | undefined;
  private opening: Link | undefined;
  private pauseMs = FIRST_PAUSE_MS;
  private timer: NodeJS.Timeout | undefined;
  private closed = false;

  /** @param readers connections for reading, beside the first one; 0: that one reads too */
  constructor(
    private readonly url: string,
    private readonly connectTimeoutMs: number,
    private readonly readers: number,
    private readonly watcher: Watcher,
  ) {
    this.isCluster = nodesOf(url).length > 1;
  }

  /** Connects in the background: a Redis that is away at boot does not keep the application from serving. */
  start(): void {
    void this.open();
  }

  get isReady(): boolean {
    return this.link !== undefined;
  }

  get values(): ValueStore {
    if (this.link === undefined) throw new RedisAway();
    return this.link.values;
  }

  send(key: string, args: string[]): Promise<unknown> {
    return this.link === undefined ? Promise.reject(new RedisAway()) : this.link.send(key, args);
  }

  /** What changes nothing, and has no place in the order of the rest. Not for a cluster. */
  read(args: string[]): Promise<unknown> {
    return this.link === undefined ? Promise.reject(new RedisAway()) : this.link.read(args);
  }

  /** @param keys all with the same hash tag; the first one says where it goes */
  async run({ text, hash }: Script, keys: string[], values: readonly string[]): Promise<unknown> {
    const rest = [String(keys.length), ...keys, ...values];
    try {
      return await this.send(keys[0] as string, ['EVALSHA', hash, ...rest]);
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
      return this.send(keys[0] as string, ['EVAL', text, ...rest]);
    }
  }

  nodes(): Promise<Send[]> {
    return this.link === undefined ? Promise.reject(new RedisAway()) : this.link.nodes();
  }

  /** Ends this connection and makes a new one: what came over it made no sense, or nothing comes any more. */
  drop(reason: string): void {
    if (this.link !== undefined) this.lost(this.link, reason);
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
    this.opening?.close();
    this.link?.close();
    this.link = undefined;
  }

  private async open(): Promise<void> {
    const link = this.isCluster
      ? clusterLink(makeCluster(nodesOf(this.url), this.connectTimeoutMs))
      : singleLink(this.clients(), (reason) => this.lost(link, reason));
    this.opening = link;
    try {
      await withinDeadline(link.connect(), 2 * this.connectTimeoutMs, 'Redis');
      if (this.closed) return link.close(); // what was on its way when it was closed has arrived since
      this.link = link;
      this.pauseMs = FIRST_PAUSE_MS;
      this.watcher.connected();
    } catch (error) {
      this.failed(link, reasonOf(error));
    } finally {
      this.opening = undefined;
    }
  }

  private clients(): [RedisClient, ...RedisClient[]] {
    const one = (): RedisClient => makeClient(this.url, this.connectTimeoutMs);
    return [one(), ...Array.from({ length: this.readers }, one)];
  }

  private lost(link: Link, reason: string): void {
    if (link !== this.link) return;
    this.link = undefined;
    this.failed(link, reason);
  }

  private failed(link: Link, reason: string): void {
    link.close();
    if (this.closed) return;
    this.watcher.lost(reason);
    this.timer = setTimeout(() => void this.open(), this.pauseMs);
    this.timer.unref();
    this.pauseMs = Math.min(this.pauseMs * 2, LAST_PAUSE_MS);
  }
}

/** An empty message says no more than its name; several addresses of one host fail together. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return reasonOf(error.errors[0]);
  return error instanceof Error ? error.message || error.name : String(error);
}

type AnyClient = Parameters<typeof redisInsStore>[0];

/**
 * What is written goes by the first client, so that Redis takes one after the other; the others read. When one of them
 * is lost all are: what they were asked last may have got lost with it.
 */
function singleLink(clients: [RedisClient, ...RedisClient[]], lost: (reason: string) => void): Link {
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

/** Its nodes come and go by themselves: what does not answer is noticed by whoever asks. */
function clusterLink(cluster: RedisClusterClient): Link {
  cluster.on('error', () => undefined);
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
