import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource, type EntitySubscriberInterface, type QueryRunner } from 'typeorm';
import { QueryEvents, sqlState } from './query-events';

/** Passes on what TypeORM tells about its own statements, so that none goes unseen. */
@Injectable()
export class OrmQueryEvents implements EntitySubscriberInterface {
  /** A runner works on one statement at a time. TypeORM itself tells no time of those that fail. */
  private readonly started = new WeakMap<QueryRunner, number>();

  constructor(
    @InjectDataSource() dataSource: DataSource,
    private readonly events: QueryEvents,
  ) {
    dataSource.subscribers.push(this);
  }

  beforeQuery({ queryRunner }: { queryRunner: QueryRunner }): void {
    this.started.set(queryRunner, performance.now());
  }

  afterQuery({
    queryRunner,
    query: text,
    rawResults,
    success,
    error,
  }: {
    queryRunner: QueryRunner;
    query: string;
    rawResults?: { rowCount?: number | null } | undefined;
    success: boolean;
    error?: unknown;
  }): void {
    const now = performance.now();
    const seconds = (now - (this.started.get(queryRunner) ?? now)) / 1000;
    this.events.publish(
      success
        ? { text, seconds, rows: rawResults?.rowCount ?? undefined, prepared: false }
        : { text, seconds, errorCode: sqlState(error) ?? 'unknown', prepared: false },
    );
  }
}
