import { newId } from '../../common/id';
import { withinDeadline } from '../deadline';
import type { BusListener, Invalidation, InvalidationBus } from '../invalidation-bus';
import { decodeInvalidation, encodeInvalidation } from '../invalidation-message';
import { GatheredInvalidations } from './gathered-invalidations';
import { makeSubscriber, nodesOf, type RedisClient } from './redis-client';
import type { Asker, RedisGate, RedisSettings } from './redis-gate';
import { CHANNEL } from './redis-keys';

const FIRST_PAUSE_MS = 50;
const LAST_PAUSE_MS = 2_000;
/** How often it is asked whether it still listens, and how long that may take. */
const HEARTBEAT_MS = 500;

/**
 * Carries invalidations by Redis' publish and subscribe. It listens by a connection of its own, asks it whether it
 * lives, and makes a new one when it does not, in a cluster to the next node.
 */
export class RedisBus implements InvalidationBus {
  private readonly me = newId();
  private readonly nodes: readonly string[];
  private listener: BusListener | undefined;
  private client: RedisClient | undefined;
  private isListening = false;
  private tries = 0;
  private pauseMs = FIRST_PAUSE_MS;
  private timer: NodeJS.Timeout | undefined;
  private closed = false;
  private readonly gathered = new GatheredInvalidations((all) => this.say(all, this.gate));

  constructor(
    private readonly settings: RedisSettings,
    private readonly gate: RedisGate,
  ) {
    this.nodes = nodesOf(settings.url);
  }

  start(listener: BusListener): void {
    this.listener = listener;
    listener.lost();
    void this.connect();
  }

  /** By the connection of commands: what was written there before is known to Redis when others hear of it. */
  publish(invalidation: Invalidation, asker: Asker = this.gate): Promise<void> {
    return asker === this.gate ? this.gathered.add(invalidation) : this.say(invalidation, asker);
  }

  close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
    this.discard();
    return Promise.resolve();
  }

  private async say(invalidation: Invalidation, asker: Asker): Promise<void> {
    const { connection } = this.gate;
    const texts = encodeInvalidation(this.me, invalidation);
    await asker.ask(() =>
      Promise.all(texts.map((text) => connection.send(CHANNEL, ['PUBLISH', CHANNEL, text]))),
    );
  }

  private async connect(): Promise<void> {
    const node = this.nodes[this.tries++ % this.nodes.length] as string;
    const client = makeSubscriber(node, this.settings.connectTimeoutMs);
    this.client = client;
    const lost = () => this.lose(client);
    client.on('error', lost).on('end', lost);
    try {
      const subscribed = client.connect().then(() => client.subscribe(CHANNEL, (text) => this.hear(text)));
      await withinDeadline(subscribed, 2 * this.settings.connectTimeoutMs, 'Redis');
      if (this.client !== client || this.closed) return end(client); // it was on its way when it was given up
      this.pauseMs = FIRST_PAUSE_MS;
      this.isListening = true;
      this.listener?.listening();
      this.watch(client);
    } catch {
      lost(); // the gate says that Redis is away
    }
  }

  private hear(text: string): void {
    const invalidation = decodeInvalidation(this.me, text);
    if (invalidation !== undefined) this.listener?.heard(invalidation);
  }

  /** A connection that is cut off somewhere on the way looks alive for a long time. */
  private watch(client: RedisClient): void {
    this.timer = setTimeout(() => {
      void withinDeadline(client.ping(), HEARTBEAT_MS, 'Redis').then(
        () => this.client === client && this.watch(client),
        () => this.lose(client),
      );
    }, HEARTBEAT_MS);
    this.timer.unref();
  }

  private lose(client: RedisClient): void {
    if (this.client !== client || this.closed) return;
    this.discard();
    this.timer = setTimeout(() => void this.connect(), this.pauseMs);
    this.timer.unref();
    this.pauseMs = Math.min(this.pauseMs * 2, LAST_PAUSE_MS);
  }

  private discard(): void {
    clearTimeout(this.timer);
    const client = this.client;
    this.client = undefined;
    if (client !== undefined) end(client);
    if (this.isListening) this.listener?.lost();
    this.isListening = false;
  }
}

/** One that never connected is closed already. */
const end = (client: RedisClient): void => void client.disconnect().catch(() => undefined);
