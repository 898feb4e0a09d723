import { newId } from '../../common/id';
import { withinDeadline } from '../../common/deadline';
import { Heartbeat } from '../heartbeat';
import type { BusListener, Invalidation, InvalidationBus } from '../invalidation-bus';
import { decodeInvalidation, encodeInvalidation } from '../invalidation-message';
import { GatheredInvalidations } from './gathered-invalidations';
import { makeSubscriber, nodesOf, type RedisClient } from './redis-client';
import type { Asker, RedisGate, RedisSettings } from './redis-gate';
import { CHANNEL } from './redis-keys';

const FIRST_PAUSE_MS = 50;
const LAST_PAUSE_MS = 2_000;
/** How often it is found out whether it still hears, and how long hearing may take. */
const HEARTBEAT_MS = 500;
const HEARING_MS = 1_000;
/** Before it has heard anything, while commands wait for Redis too. */
const SOON_MS = 25;

/**
 * Carries invalidations by Redis' publish and subscribe. It listens by a connection of its own, and only while it hears
 * there what this process publishes by the connection of commands: a node that left its cluster answers, and hears nothing
 * of it. Where it does not, it makes a new connection, in a cluster to the next node.
 */
export class RedisBus implements InvalidationBus {
  private readonly me = newId();
  private readonly heartbeat = new Heartbeat(this.me, 'Redis', HEARING_MS);
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

  private say(invalidation: Invalidation, asker: Asker): Promise<void> {
    return this.send(encodeInvalidation(this.me, invalidation), asker);
  }

  private async send(texts: readonly string[], asker: Asker): Promise<void> {
    const { connection } = this.gate;
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
      await this.check(client);
    } catch {
      lost(); // the gate says that Redis is away
    }
  }

  private hear(text: string): void {
    this.heartbeat.heard(text);
    const invalidation = decodeInvalidation(this.me, text);
    if (invalidation !== undefined) this.listener?.heard(invalidation);
  }

  /** Now, and again and again for as long as it hears. */
  private async check(client: RedisClient): Promise<void> {
    const hears = await this.hears(client);
    if (this.client !== client || this.closed) return;
    if (hears === 'no') return this.lose(client);
    if (hears === 'yes' && !this.isListening) {
      this.pauseMs = FIRST_PAUSE_MS;
      this.isListening = true;
      this.listener?.listening();
    }
    this.timer = setTimeout(() => void this.check(client), this.isListening ? HEARTBEAT_MS : SOON_MS);
    this.timer.unref();
  }

  /**
   * While commands do not get through nothing can be heard, and nothing is kept: then it is enough that the connection
   * lives, since one that is cut off somewhere on the way looks alive for a long time.
   */
  private async hears(client: RedisClient): Promise<'yes' | 'no' | 'perhaps'> {
    if (this.gate.isOpen) {
      const beat = await this.heartbeat.beat(() => this.send([this.heartbeat.text], this.gate));
      if (beat !== 'unsent') return beat === 'heard' ? 'yes' : 'no';
    }
    return withinDeadline(client.ping(), HEARTBEAT_MS, 'Redis').then(
      () => 'perhaps',
      () => 'no',
    );
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
    this.heartbeat.stop();
    const client = this.client;
    this.client = undefined;
    if (client !== undefined) end(client);
    if (this.isListening) this.listener?.lost();
    this.isListening = false;
  }
}

/** One that never connected is closed already. */
const end = (client: RedisClient): void => void client.disconnect().catch(() => undefined);
