import { BentoCache, bentostore } from 'bentocache';
import { BaseDriver } from 'bentocache/drivers/base_driver';
import { memoryDriver } from 'bentocache/drivers/memory';
import type { BusDriver, CreateBusDriverResult, CreateDriverResult, L2CacheDriver } from 'bentocache/types';
import type { BareClient } from './bare-client';

/*
 * Bentocache's own drivers for Redis need ioredis. These do the same over the client that all sides here share: one
 * GET for a look-up, one SET with its time to live for a write, one PUBLISH for a message.
 */

type Bento = BentoCache<Record<string, ReturnType<typeof bentostore>>>;

/** Bentocache in memory, by reference. */
export const bentoInMemory = (): Bento =>
  new BentoCache({ default: 'main', stores: { main: bentostore().useL1Layer(byReference()) } });

/** Bentocache on Redis without a memory of its own. */
export const bentoOnRedis = (client: BareClient): Bento =>
  new BentoCache({ default: 'main', stores: { main: bentostore().useL2Layer(overClient(client)) } });

/** Bentocache in memory over Redis, telling other processes what it sets. */
export const bentoTiered = (client: BareClient, subscriber: BareClient): Bento => {
  const tiers = bentostore().useL1Layer(byReference()).useL2Layer(overClient(client));
  return new BentoCache({ default: 'main', stores: { main: tiers.useBus(busOver(client, subscriber)) } });
};

const byReference = () => memoryDriver({ serialize: false, maxItems: 50_000 });

const overClient = (client: BareClient): CreateDriverResult<L2CacheDriver> => ({
  options: { prefix: 'bento' },
  factory: (config: ConstructorParameters<typeof BaseDriver>[0]) => new OverClient(config, client),
});

class OverClient extends BaseDriver implements L2CacheDriver {
  readonly type = 'l2';

  constructor(
    config: ConstructorParameters<typeof BaseDriver>[0],
    private readonly client: BareClient,
  ) {
    super(config);
  }

  namespace(namespace: string): OverClient {
    return new OverClient({ ...this.config, prefix: this.createNamespacePrefix(namespace) }, this.client);
  }

  async get(key: string): Promise<string | undefined> {
    return (await this.client.get(this.getItemKey(key))) ?? undefined;
  }

  async pull(key: string): Promise<string | undefined> {
    return (await this.client.getDel(this.getItemKey(key))) ?? undefined;
  }

  async set(key: string, value: string, ttl?: number): Promise<boolean> {
    await this.client.set(this.getItemKey(key), value, ttl === undefined ? {} : { PX: ttl });
    return true;
  }

  async clear(): Promise<void> {
    for await (const key of this.client.scanIterator({ MATCH: `${this.prefix}:*` }))
      await this.client.unlink(key);
  }

  async delete(key: string): Promise<boolean> {
    return (await this.client.unlink(this.getItemKey(key))) > 0;
  }

  async deleteMany(keys: string[]): Promise<boolean> {
    return (await this.client.unlink(keys.map((key) => this.getItemKey(key)))) > 0;
  }

  disconnect(): Promise<void> {
    return Promise.resolve(); // the client is lent
  }
}

const busOver = (client: BareClient, subscriber: BareClient): CreateBusDriverResult => ({
  options: {},
  factory: () => transportOver(client, subscriber),
});

function transportOver(client: BareClient, subscriber: BareClient): BusDriver {
  let me = '';
  const transport: BusDriver = {
    setId: (id) => {
      me = id;
      return transport;
    },
    onReconnect: (callback) => void subscriber.on('reconnecting', callback),
    publish: async (channel, payload) => {
      await client.publish(channel, JSON.stringify({ busId: me, payload }));
    },
    subscribe: (channel, handler) =>
      subscriber.subscribe(channel, (text) => {
        const { busId, payload } = JSON.parse(text) as {
          busId: string;
          payload: Parameters<typeof handler>[0];
        };
        if (busId !== me) void handler(payload);
      }),
    unsubscribe: (channel) => subscriber.unsubscribe(channel),
    disconnect: () => Promise.resolve(),
  };
  return transport;
}
