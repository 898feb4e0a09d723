import type { EntityManager } from 'typeorm';
import { runPrepared, type Queryable } from './prepared';
import type { StatementEvents } from './query-events';

type Step = (tx: Transaction) => Promise<void>;
export type Effect = () => void | Promise<void>;

/** What became of a transaction; `unknown` when the connection was lost before its commit was answered. */
export type Outcome = 'committed' | 'undone' | 'unknown';

/**
 * One database transaction. It is the required first argument of everything that must happen together, and
 * the only way to what must wait for the commit: events, cache invalidation and metrics.
 */
export class Transaction {
  private readonly steps = new Map<unknown, Step>();
  private readonly effects: ((outcome: Outcome) => void | Promise<void>)[] = [];
  private failure: { readonly error: unknown } | undefined;

  constructor(
    /** TypeORM inside this transaction. */
    readonly manager: EntityManager,
    private readonly client: Queryable,
    private readonly events: StatementEvents,
  ) {}

  /** Runs a prepared statement inside this transaction; the text is static, every value a parameter. */
  async query<Row = Record<string, unknown>>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    try {
      return await runPrepared<Row>(this.client, this.events, text, values);
    } catch (error) {
      this.failure ??= { error };
      throw error;
    }
  }

  /** Runs once, just before the commit and as part of it, however often the same key is given. */
  beforeCommit(key: unknown, step: Step): void {
    if (!this.steps.has(key)) this.steps.set(key, step);
  }

  /**
   * Runs after the commit, and when nobody knows whether it happened, but never when the transaction was rolled back. An
   * effect that fails is logged, not thrown.
   */
  afterCommit(effect: Effect): void {
    this.afterEnd((outcome) => (outcome === 'undone' ? undefined : effect()));
  }

  /** Runs when the transaction is over, whatever became of it. An effect that fails is logged, not thrown. */
  afterEnd(effect: (outcome: Outcome) => void | Promise<void>): void {
    this.effects.push(effect);
  }

  /** @internal the database module calls it, nobody else */
  effectsOf(outcome: Outcome): readonly Effect[] {
    return this.effects.map((effect) => () => effect(outcome));
  }

  /** @internal the first error of its prepared statements, also where it was caught */
  get statementError(): unknown {
    return this.failure?.error;
  }

  /**
   * @internal the database module calls it, nobody else
   * @throws the error of a statement that failed, also when it was caught: PostgreSQL would answer the commit of such a
   *   transaction by a rollback, and call that a success
   */
  async finish(): Promise<void> {
    for (const step of this.steps.values()) await step(this);
    if (this.failure !== undefined) throw this.failure.error;
  }
}
