import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource, type EntitySubscriberInterface } from 'typeorm';
import { QueryEvents, sqlState } from './query-events';

/** Passes on what TypeORM tells about its own statements, so that none goes unseen. */
@Injectable()
export class OrmQueryEvents implements EntitySubscriberInterface {
  constructor(
    @InjectDataSource() dataSource: DataSource,
    private readonly events: QueryEvents,
  ) {
    dataSource.subscribers.push(this);
  }

  afterQuery({
    query,
    executionTime = 0,
    success,
    error,
  }: {
    query: string;
    executionTime?: number;
    success: boolean;
    error?: unknown;
  }): void {
    const seconds = executionTime / 1000;
    this.events.publish(
      success ? { text: query, seconds } : { text: query, seconds, errorCode: sqlState(error) ?? 'unknown' },
    );
  }
}
