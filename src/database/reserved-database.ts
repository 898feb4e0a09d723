import type { OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Connections } from './connections';
import { reservedDataSource, type Limits } from './data-source-options';
import type { QueryEvents } from './query-events';
import type { Transaction } from './transaction';

/**
 * Two connections of the application's role beside its pool, which requests cannot use up: for whoever mends a jam. Only
 * what routes that are `@Reserved` need to answer goes here, and nothing that takes long: a connection is waited for up to
 * two seconds, and a statement runs up to seven.
 */
export class ReservedDatabase implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly dataSource: DataSource;
  private readonly connections: Connections;

  constructor(applicationUrl: string, limits: Limits, events: QueryEvents) {
    this.dataSource = new DataSource(reservedDataSource(applicationUrl, limits));
    this.connections = new Connections(this.dataSource, events);
  }

  /** One connection is opened before it is needed: a server that is used up gives no more. */
  async onApplicationBootstrap(): Promise<void> {
    await this.dataSource.initialize();
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
