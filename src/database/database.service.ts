import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { Pool, PoolClient } from 'pg';
import { DataSource, type QueryRunner } from 'typeorm';
import { CommitOutcomeUnknown, isRefusal } from './failures';
import { isStalePlan, runPooled } from './prepared';
import { QueryEvents, sqlState } from './query-events';
import { Replicas, type ReplicaCount } from './replicas';
import { Transaction, type Effect } from './transaction';

/** SQLSTATEs after which the very same transaction may succeed: serialization failure and deadlock. */
const COLLISIONS = new Set(['40001', '40P01']);
const ATTEMPTS = 5;
/** After that long nobody waits for one more attempt. */
const RETRY_MS = 10_000;
/** A write that a replica refuses is a mistake of ours, and what took too long there would take too long again. */
const NOT_FOR_THE_PRIMARY = new Set(['25006', '57014']);

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
  private readonly logger = new Logger(DatabaseService.name);

  constructor(
    @InjectDataSource() private readonly dataSource: DataSource,
    private readonly events: QueryEvents,
    private readonly replicas: Replicas,
  ) {}

  /**
   * Runs one use case as one READ COMMITTED transaction: all of it is committed, or nothing. After a
   * serialization failure or deadlock the whole of it runs again, so `work` must have no effects of its own
   * outside `tx`; those belong into `tx.afterCommit`.
   * @throws CommitOutcomeUnknown when the connection broke during the commit
   */
  async transaction<Result>(work: (tx: Transaction) => Promise<Result>): Promise<Result> {
    const deadline = performance.now() + RETRY_MS;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.attempt(work);
      } catch (error) {
        const again = COLLISIONS.has(sqlState(error) ?? '') || isStalePlan(error);
        if (!again || attempt === ATTEMPTS || performance.now() > deadline) throw error;
        await backOff(attempt);
      }
    }
  }

  /** Runs a prepared read in its own right, outside any transaction; the text is static. */
  async query<Row = Record<string, unknown>>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    try {
      return await runPooled<Row>(this.pool, this.events, text, values);
    } catch (error) {
      if (!isStalePlan(error)) throw error;
      return runPooled<Row>(this.pool, this.events, text, values);
    }
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
    const { totalCount, idleCount, waitingCount, options } = this.pool;
    return {
      total: totalCount,
      idle: idleCount,
      waiting: waitingCount,
      limit: options.max,
      replicas: this.replicas.count(),
    };
  }

  private get pool(): Pool {
    return primaryPool(this.dataSource);
  }

  private async attempt<Result>(work: (tx: Transaction) => Promise<Result>): Promise<Result> {
    const runner = this.dataSource.createQueryRunner('master');
    let tx: Transaction | undefined;
    try {
      const asked = performance.now();
      const client = (await runner.connect()) as PoolClient;
      this.events.acquired((performance.now() - asked) / 1000);
      await runner.startTransaction();
      tx = new Transaction(runner.manager, client, this.events);
      const result = await work(tx);
      await tx.finish();
      await this.commit(runner);
      await this.apply(tx.effectsOf('committed'));
      return result;
    } catch (error) {
      if (runner.isTransactionActive) await this.rollBack(() => runner.rollbackTransaction());
      await this.apply(tx?.effectsOf(error instanceof CommitOutcomeUnknown ? 'unknown' : 'undone') ?? []);
      throw error;
    } finally {
      await runner.release();
    }
  }

  private async commit(runner: QueryRunner): Promise<void> {
    const wasConnected = !runner.isReleased;
    try {
      await runner.commitTransaction();
    } catch (error) {
      if (!wasConnected || isRefusal(error)) throw error;
      this.logger.error(`A commit was not answered, it may have happened or not: ${String(error)}`);
      throw new CommitOutcomeUnknown(error);
    }
  }

  /** A rollback on a broken connection fails too; the first error is the one that tells what happened. */
  private async rollBack(roll: () => Promise<void>): Promise<void> {
    try {
      await roll();
    } catch (error) {
      this.logger.warn(`Rollback failed, PostgreSQL ends the transaction itself: ${String(error)}`);
    }
  }

  private async apply(effects: readonly Effect[]): Promise<void> {
    for (const effect of effects) {
      try {
        await effect();
      } catch (error) {
        this.logger.error(
          `After a transaction: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
        );
      }
    }
  }
}

/** The pool that TypeORM keeps to the primary. */
export function primaryPool(dataSource: DataSource): Pool {
  return (dataSource.driver as unknown as { master: Pool }).master;
}

/** Waits up to 10 ms, doubled with each attempt, at random: those that collided must not collide again. */
function backOff(attempt: number): Promise<void> {
  const most = 10 * 2 ** (attempt - 1);
  return delay(1 + randomInt(most));
}
