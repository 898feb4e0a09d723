import { Injectable, Logger } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { Pool } from 'pg';
import { DataSource } from 'typeorm';
import { runPrepared, type Queryable } from './prepared';
import { QueryEvents, sqlState } from './query-events';
import { Transaction } from './transaction';

/** SQLSTATEs after which the very same transaction may succeed: serialization failure and deadlock. */
const TRY_AGAIN = new Set(['40001', '40P01']);
const ATTEMPTS = 5;

/** State of the connection pool of this process. */
export interface PoolState {
  readonly total: number;
  readonly idle: number;
  readonly waiting: number;
}

/** The way to PostgreSQL: transactions, and prepared reads outside of them. */
@Injectable()
export class DatabaseService {
  private readonly logger = new Logger(DatabaseService.name);

  constructor(
    @InjectDataSource() private readonly dataSource: DataSource,
    private readonly events: QueryEvents,
  ) {}

  /**
   * Runs one use case as one READ COMMITTED transaction: all of it is committed, or nothing. After a
   * serialization failure or deadlock the whole of it runs again, so `work` must have no effects of its own
   * outside `tx`; those belong into `tx.afterCommit`.
   */
  async transaction<Result>(work: (tx: Transaction) => Promise<Result>): Promise<Result> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.attempt(work);
      } catch (error) {
        if (attempt === ATTEMPTS || !TRY_AGAIN.has(sqlState(error) ?? '')) throw error;
        await backOff(attempt);
      }
    }
  }

  /** Runs a prepared read in its own right, outside any transaction; the text is static. */
  query<Row = Record<string, unknown>>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    return runPrepared<Row>(this.pool, this.events, text, values);
  }

  /** Sizes of the connection pool, for metrics and the readiness check. */
  poolState(): PoolState {
    const { totalCount, idleCount, waitingCount } = this.pool;
    return { total: totalCount, idle: idleCount, waiting: waitingCount };
  }

  private get pool(): Pool {
    return (this.dataSource.driver as unknown as { master: Pool }).master;
  }

  private async attempt<Result>(work: (tx: Transaction) => Promise<Result>): Promise<Result> {
    const runner = this.dataSource.createQueryRunner();
    try {
      const client = (await runner.connect()) as Queryable;
      await runner.startTransaction();
      const tx = new Transaction(runner.manager, client, this.events);
      const result = await work(tx);
      const effects = await tx.finish();
      await runner.commitTransaction();
      await this.apply(effects);
      return result;
    } catch (error) {
      if (runner.isTransactionActive) await this.rollBack(() => runner.rollbackTransaction());
      throw error;
    } finally {
      await runner.release();
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

  private async apply(effects: readonly (() => void | Promise<void>)[]): Promise<void> {
    for (const effect of effects) {
      try {
        await effect();
      } catch (error) {
        this.logger.error(
          `After a commit: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
        );
      }
    }
  }
}

/** Waits 5 to 10 ms, doubled with each attempt, so that two that collided do not collide again. */
function backOff(attempt: number): Promise<void> {
  const base = 5 * 2 ** (attempt - 1);
  return new Promise((resolve) => setTimeout(resolve, base + ((performance.now() * 1000) % base)));
}
