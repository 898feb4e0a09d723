import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import type { Pool, PoolClient } from 'pg';
import { QueryFailedError, type DataSource, type QueryRunner } from 'typeorm';
import { CommitOutcomeUnknown, isRefusal } from './failures';
import { acquire, isStalePlan, runPooled } from './prepared';
import { sqlState, type StatementEvents } from './query-events';
import { Transaction, type Effect } from './transaction';
import { SqlState } from './sql-states';

/** SQLSTATEs after which the very same transaction may succeed: serialization failure and deadlock. */
const COLLISIONS = new Set<string>([SqlState.SERIALIZATION_FAILURE, SqlState.DEADLOCK_DETECTED]);
const ATTEMPTS = 5;
/** After that long nobody waits for one more attempt. */
const RETRY_MS = 10_000;

/** Transactions and prepared statements on the connections that one data source keeps to the primary. */
export class Connections {
  private readonly logger = new Logger('Database');

  constructor(
    private readonly dataSource: DataSource,
    private readonly events: StatementEvents,
  ) {}

  get pool(): Pool {
    return primaryPool(this.dataSource);
  }

  /** One READ COMMITTED transaction, again from the beginning after a collision. */
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

  /** One prepared statement outside any transaction. */
  async query<Row>(text: string, values: readonly unknown[]): Promise<Row[]> {
    try {
      return await runPooled<Row>(this.pool, this.events, text, values);
    } catch (error) {
      if (!isStalePlan(error)) throw error;
      return runPooled<Row>(this.pool, this.events, text, values);
    }
  }

  private async attempt<Result>(work: (tx: Transaction) => Promise<Result>): Promise<Result> {
    const runner = this.dataSource.createQueryRunner('master');
    let client: PoolClient | undefined;
    let tx: Transaction | undefined;
    try {
      client = await acquire(this.events, () => runner.connect() as Promise<PoolClient>);
      await runner.startTransaction();
      tx = new Transaction(runner.manager, client, this.events);
      const result = await work(tx);
      await tx.finish();
      await this.commit(runner);
      await this.apply(tx.effectsOf('committed'));
      return result;
    } catch (error) {
      await this.undo(runner, client, isUnanswered(error, tx?.statementError));
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

  /**
   * A connection that still waits for something would keep whoever is given it next waiting: it is ended, with which
   * PostgreSQL ends the transaction. The first error is the one that tells what happened.
   */
  private async undo(
    runner: QueryRunner,
    client: PoolClient | undefined,
    isUnanswered: boolean,
  ): Promise<void> {
    if (!isUnanswered) {
      if (!runner.isTransactionActive) return;
      try {
        return await runner.rollbackTransaction();
      } catch (error) {
        this.logger.warn(`Rollback failed, PostgreSQL ends the transaction itself: ${String(error)}`);
      }
    }
    await client?.end().catch(() => undefined); // the pool takes back none that was ended
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

/** Whether something that was asked of PostgreSQL failed without an answer of its own. */
function isUnanswered(error: unknown, statementError: unknown): boolean {
  if (error instanceof CommitOutcomeUnknown) return true;
  if (error instanceof QueryFailedError && !isRefusal(error)) return true;
  return statementError !== undefined && !isRefusal(statementError);
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
