import { withinDeadline } from '../../common/deadline';
import { makeClient, makeCluster, nodesOf, type RedisClient } from './redis-client';
import { reasonOf } from './redis-errors';
import { clusterLink, loadScripts, singleLink, type Link, type Send, type ValueStore } from './redis-link';
import type { Script } from './redis-scripts';

const FIRST_PAUSE_MS = 50;
const LAST_PAUSE_MS = 2_000;

/** There is no connection. */
export class RedisAway extends Error {
  constructor() {
    super('there is no connection to Redis');
  }
}

interface Watcher {
  connected(): unknown;
  lost(reason: string): void;
}

/**
 * The way to Redis, by one node or a cluster. It is made anew whenever it is lost, with growing pauses; meanwhile
 * everything is refused at once.
 */
export class RedisConnection {
  readonly isCluster: boolean;
  /** Scripts that Redis had forgotten, which were run behind what was sent after them. */
  forgottenScripts = 0;
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
      this.forgottenScripts++;
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

  /** It does what it is there for: when it is lost a new one is made soon. */
  prove(): void {
    this.pauseMs = FIRST_PAUSE_MS;
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
    this.opening?.close();
    this.link?.close();
    this.link = undefined;
  }

  /** Connects now instead of at the end of the pause. */
  async hurry(): Promise<void> {
    if (this.closed || this.link !== undefined || this.opening !== undefined) return;
    clearTimeout(this.timer);
    await this.open();
  }

  private async open(): Promise<void> {
    const lost = (reason: string): void => this.lost(link, reason);
    const link = this.isCluster
      ? clusterLink(makeCluster(nodesOf(this.url), this.connectTimeoutMs), lost)
      : singleLink(this.clients(), lost);
    this.opening = link;
    try {
      await withinDeadline(prepare(link), 2 * this.connectTimeoutMs, 'Redis');
      if (this.closed) return link.close(); // what was on its way when it was closed has arrived since
      this.link = link;
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

async function prepare(link: Link): Promise<void> {
  await link.connect();
  await loadScripts(link);
}
