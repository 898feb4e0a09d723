import type { OnApplicationBootstrap, OnApplicationShutdown, OnModuleDestroy } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Connections } from './connections';
import { reservedDataSource, type Limits } from './data-source-options';
import { PoolMinimum } from './pool-minimum';
import type { StatementEvents } from './query-events';
import type { Transaction } from './transaction';

/**
 * Two connections of the application's role beside its pool, which requests cannot use up: for whoever mends a jam. Only
 * what routes that are `@Reserved` need to answer goes here, and nothing that takes long: a connection is waited for up to
 * two seconds, and a statement runs up to seven.
 */
export class ReservedDatabase implements OnApplicationBootstrap, OnModuleDestroy, OnApplicationShutdown {
  private readonly dataSource: DataSource;
  private readonly connections: Connections;
  private readonly minimum: PoolMinimum;

  constructor(applicationUrl: string, limits: Limits, events: StatementEvents) {
    const options = reservedDataSource(applicationUrl, limits);
    this.dataSource = new DataSource(options);
    // Who waits here says nothing of the pool, whose waits are counted.
    this.connections = new Connections(this.dataSource, {
      publish: (event) => events.publish(event),
      acquired: () => undefined,
    });
    this.minimum = new PoolMinimum(() => this.connections.pool, options.extra.min);
  }

  /** One connection is open before it is needed, and always: a server that is used up gives no more. */
  async onApplicationBootstrap(): Promise<void> {
    await this.dataSource.initialize();
    await this.minimum.onApplicationBootstrap();
  }

  onModuleDestroy(): void {
    this.minimum.onModuleDestroy();
  }

  async onApplicationShutdown(): Promise<void> {
    if (this.dataSource.isInitialized) await this.dataSource.destroy();
  }

  /** As that of DatabaseService, but it knows no entities: there is only `tx.query`. */
  transaction<Result>(work: (tx: Transaction) => Promise<Result>): Promise<Result> {
    return this.connections.transaction(work);
  }

  /** As that of DatabaseService. */
  query<Row = Record<string, unknown>>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    return this.connections.query<Row>(text, values);
  }
}
