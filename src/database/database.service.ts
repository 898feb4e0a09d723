import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { Connections } from './connections';
import { runPooled } from './prepared';
import { QueryEvents, sqlState } from './query-events';
import { Replicas, type ReplicaCount } from './replicas';
import type { Transaction } from './transaction';
import { SqlState } from './sql-states';

/** A write that a replica refuses is a mistake of ours, and what took too long there would take too long again. */
const NOT_FOR_THE_PRIMARY = new Set<string>([SqlState.READ_ONLY_SQL_TRANSACTION, SqlState.QUERY_CANCELED]);

/** State of the connection pools of this process. */
export interface PoolState {
  readonly total: number;
  readonly idle: number;
  readonly waiting: number;
  /** DB_POOL_MAX. */
  readonly limit: number;
  readonly replicas: ReplicaCount;
}

/** The way to PostgreSQL: transactions, and prepared reads outside of them. */
@Injectable()
export class DatabaseService {
  private readonly primary: Connections;

  constructor(
    @InjectDataSource() dataSource: DataSource,
    private readonly events: QueryEvents,
    private readonly replicas: Replicas,
  ) {
    this.primary = new Connections(dataSource, events);
  }

  /**
   * Runs one use case as one READ COMMITTED transaction: all of it is committed, or nothing. After a
   * serialization failure or deadlock the whole of it runs again, so `work` must have no effects of its own
   * outside `tx`; those belong into `tx.afterCommit`.
   * @throws CommitOutcomeUnknown when the connection broke during the commit
   */
  transaction<Result>(work: (tx: Transaction) => Promise<Result>): Promise<Result> {
    return this.primary.transaction(work);
  }

  /** Runs a prepared read in its own right, outside any transaction; the text is static. */
  query<Row = Record<string, unknown>>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    return this.primary.query<Row>(text, values);
  }

  /**
   * Runs a prepared read that may be some seconds old (DB_REPLICA_MAX_LAG_MS): on a replica where there is one that keeps
   * up, else on the primary. Only for public or statistical answers in which nobody looks for what they have just done
   * themselves, and never to fill the cache: a replica that lags would fill it with an answer from before the
   * invalidation. Of a list only the first page; the next ones would miss what the replica did not have yet.
   */
  async queryStale<Row = Record<string, unknown>>(
    text: string,
    values: readonly unknown[] = [],
  ): Promise<Row[]> {
    const replica = this.replicas.next();
    if (replica === undefined) return this.query<Row>(text, values);
    try {
      return await runPooled<Row>(replica.pool, this.events, text, values);
    } catch (error) {
      if (NOT_FOR_THE_PRIMARY.has(sqlState(error) ?? '')) throw error;
      this.replicas.failed(replica, error);
      return this.query<Row>(text, values);
    }
  }

  /**
   * Runs a read whose best plan depends on its values, such as a search for much or for little: it is planned for them
   * each time, which takes some tenths of a millisecond. All other statements share one plan per connection.
   */
  queryPlanned<Row = Record<string, unknown>>(text: string, values: readonly unknown[]): Promise<Row[]> {
    return this.transaction(async (tx) => {
      await tx.query('SET LOCAL plan_cache_mode = force_custom_plan');
      return tx.query<Row>(text, values);
    });
  }

  /** Sizes of the connection pool, for metrics and the readiness check. */
  poolState(): PoolState {
    const { totalCount, idleCount, waitingCount, options } = this.primary.pool;
    return {
      total: totalCount,
      idle: idleCount,
      waiting: waitingCount,
      limit: options.max,
      replicas: this.replicas.count(),
    };
  }
}
