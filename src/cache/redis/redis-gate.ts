import { Logger } from '@nestjs/common';
import type { CacheEvents } from '../cache-events';
import { CircuitBreaker, type BreakerState } from '../circuit-breaker';
import { Deadlines, TooLate, withinDeadline } from '../../common/deadline';
import { Namespace, type Missed } from './namespace';
import { RedisAway, RedisConnection } from './redis-connection';
import { isNoMaster, reasonOf } from './redis-errors';
import { NAMESPACE_KEY } from './redis-keys';

/** Redis answered something that is no answer to the question. */
export class UnexpectedReply extends Error {
  constructor() {
    super('Redis answered something that makes no sense');
  }
}

export interface RedisSettings {
  readonly url: string;
  readonly connectTimeoutMs: number;
  /** How long anybody waits for one command. */
  readonly commandTimeoutMs: number;
  /**
   * Connections of this process to one Redis: one listens, one writes, the others read; with two the writer reads too,
   * which is the default. A cluster has one for each node, and one that listens.
   */
  readonly maxConnections?: number;
}

const LISTENER_AND_WRITER = 2;

/** Who lets commands through. */
export interface Asker {
  ask<Result>(question: () => Promise<Result>): Promise<Result>;
}

/**
 * Done before anybody may use Redis again after it was away.
 * @param asker lets its commands through already
 * @param dropsAll everything from before is dropped, which others have to be told
 */
type Recovery = (asker: Asker, dropsAll: boolean) => Promise<void>;

/**
 * The only way to Redis: every command has a deadline, and while Redis does not answer nobody waits for it. When it is
 * back, everything from before is dropped by the namespace's version, and what it missed is delivered, first.
 */
export class RedisGate implements Asker {
  /** Writes that Redis refused for want of memory. */
  refusedForMemory = 0;
  readonly connection: RedisConnection;
  private readonly breaker: CircuitBreaker;
  private readonly deadlines: Deadlines;
  private readonly logger = new Logger('Redis');
  private readonly recoveries: Recovery[] = [];
  private readonly watcher = {
    succeeded: () => this.breaker.succeeded(),
    failed: (reason: Error) => this.notice(reason),
  };
  private readonly namespace: Namespace;
  /** Whether the namespace has been compared with the server that answers now; see {@link Namespace}. */
  private isChecked = false;
  private hasBeenAway = false;
  /** Whatever others have done about an outage: what was lost here is not known. */
  private mustRaise = false;
  private complainedOfServer = false;

  constructor(
    private readonly settings: RedisSettings,
    private readonly events: CacheEvents,
  ) {
    this.deadlines = new Deadlines(settings.commandTimeoutMs, 'Redis');
    this.breaker = new CircuitBreaker({
      tryAgain: () => this.recover(),
      changed: (state, reason) => this.report(state, reason),
    });
    const readers = Math.max(0, (settings.maxConnections ?? LISTENER_AND_WRITER) - LISTENER_AND_WRITER);
    this.connection = new RedisConnection(settings.url, settings.connectTimeoutMs, readers, {
      connected: () => (this.breaker.isClosed ? this.begin() : this.breaker.hurry()),
      lost: (reason) => this.markAway(reason),
    });
    this.namespace = new Namespace(this.connection);
    this.connection.start();
  }

  get state(): BreakerState {
    return this.breaker.state;
  }

  /** Whether it can be asked now. */
  get isOpen(): boolean {
    return this.isChecked && this.breaker.isClosed && this.connection.isReady;
  }

  /** Of everything in Redis, as last seen; undefined before. */
  get namespaceVersion(): string | undefined {
    return this.namespace.version;
  }

  /** One that is given where there is none. */
  nextNamespaceVersion(): string {
    return this.namespace.next();
  }

  sawNamespace(version: string): void {
    this.namespace.version = version;
  }

  /** Runs before Redis is used again after it was away. */
  onRecovery(recovery: Recovery): void {
    this.recoveries.push(recovery);
  }

  /**
   * @throws RedisAway at once while it is away, TooLate after the deadline, and whatever else went wrong
   */
  ask<Result>(question: () => Promise<Result>): Promise<Result> {
    if (!this.isOpen) return Promise.reject(new RedisAway());
    return this.deadlines.within(question(), this.watcher);
  }

  /** Whether it answers now, in time. */
  async answers(): Promise<boolean> {
    try {
      return (await this.ask(() => this.connection.send(NAMESPACE_KEY, ['PING']))) === 'PONG';
    } catch {
      return false;
    }
  }

  /** Something that may not be lost did not reach Redis: nobody uses it until that is delivered. */
  mustRecover(reason: string): void {
    this.breaker.open(reason);
  }

  /** So much was lost that everything has to be dropped. */
  mustDropAll(): void {
    this.hasBeenAway = true;
    this.mustRaise = true;
  }

  /** Before the end: connects and recovers now, if that takes no longer than a command may. */
  async tryNow(): Promise<void> {
    const tried = this.connection.hurry().then(() => this.breaker.hurry());
    await withinDeadline(tried, this.settings.commandTimeoutMs, 'Redis').catch(() => undefined);
  }

  close(): void {
    this.breaker.stop();
    this.connection.close();
  }

  private readonly timed = <Result>(answer: Promise<Result>): Promise<Result> =>
    this.deadlines.within(answer);

  private notice(error: unknown): void {
    // Being full says nothing about reading.
    if (isOutOfMemory(error)) {
      this.refusedForMemory++;
      return;
    }
    if (error instanceof UnexpectedReply || isNoMaster(error)) this.connection.drop(reasonOf(error));
    this.breaker.failed(reasonOf(error));
    if (!this.breaker.isClosed) this.hasBeenAway = true;
  }

  /** The first connection is no return: nobody has to hear of it. */
  private async begin(): Promise<void> {
    try {
      await this.checkNamespace('nothing');
    } catch (error) {
      if (error instanceof UnexpectedReply || isNoMaster(error)) this.connection.drop(reasonOf(error));
      else if (!this.isChecked) this.markAway(reasonOf(error));
    }
  }

  private markAway(reason: string): void {
    this.hasBeenAway = true;
    this.isChecked = false;
    this.breaker.open(reason);
  }

  private async recover(): Promise<void> {
    try {
      const pong = await this.timed(this.connection.send(NAMESPACE_KEY, ['PING']));
      if (pong !== 'PONG') throw new UnexpectedReply();
      await this.catchUp();
    } catch (error) {
      if (this.shouldReconnect(error)) this.connection.drop(reasonOf(error));
      throw error;
    }
  }

  /** Where nothing comes any more, or from the wrong one, another connection may lead further. */
  private shouldReconnect(error: unknown): boolean {
    return (
      this.connection.isCluster ||
      error instanceof UnexpectedReply ||
      error instanceof TooLate ||
      isNoMaster(error)
    );
  }

  /** What happens from now on is not of this recovery, but of the next one. */
  private async catchUp(): Promise<void> {
    const { hasBeenAway, mustRaise } = this;
    this.hasBeenAway = false;
    this.mustRaise = false;
    try {
      await this.checkNamespace(mustRaise ? 'anything' : hasBeenAway ? 'outage' : 'nothing');
      const asker: Asker = { ask: (question) => this.timed(question()) };
      for (const recovery of this.recoveries) await recovery(asker, hasBeenAway);
    } catch (error) {
      this.hasBeenAway ||= hasBeenAway;
      this.mustRaise ||= mustRaise;
      throw error;
    }
  }

  private async checkNamespace(missed: Missed): Promise<void> {
    const version = await this.namespace.check(missed, this.timed);
    if (version === undefined) throw new UnexpectedReply();
    this.isChecked = true;
    this.connection.prove();
    if (this.namespace.knowsServer || this.complainedOfServer) return;
    this.complainedOfServer = true;
    this.logger.warn(
      'Redis does not say which server it is: everything in it is dropped whenever a process connects. Allow the user the command INFO',
    );
  }

  private report(state: BreakerState, reason?: string): void {
    this.events.publish({ kind: 'breaker', state });
    if (state === 'closed') this.logger.log('Redis is back');
    else if (reason !== undefined) this.logger.warn(`Redis is away, answers are computed: ${reason}`);
  }
}

export const isOutOfMemory = (error: unknown): boolean =>
  error instanceof Error && error.message.includes('OOM command not allowed');
