import { Injectable } from '@nestjs/common';
import { AuditService } from '../audit/audit.service';
import { IdempotencyService } from '../audit/idempotency.service';
import type { Principal } from '../auth/principal';
import { TradingRight } from '../auth/trading-right';
import { DomainError, InvalidInput } from '../common/domain-error';
import { DatabaseService } from '../database/database.service';
import type { Transaction } from '../database/transaction';
import type { IdempotentRequest } from '../http/idempotency-key';
import { problemOf } from '../http/problem';
import { UsersService } from '../users/users.service';
import type { OrderRequest } from './order';
import type { Outcome } from './order-batch';
import { OrderExecutionService } from './order-execution.service';
import { TradingMetrics, type TradingOperation } from './trading.metrics';
import { orderView, orderWithTradesView, type OrderWithTradesView } from './trading.views';

/** The answer to one order of a batch: as it would have been on its own. */
export type BatchItemView =
  | { readonly status: 201; readonly order: OrderWithTradesView }
  | {
      readonly status: number;
      readonly error: {
        readonly code: string;
        readonly detail: string;
        readonly errors?: InvalidInput['fields'];
      };
    };

export interface BatchView {
  readonly items: readonly BatchItemView[];
}

/** Placing orders, one by one or many at once. */
@Injectable()
export class OrdersService {
  constructor(
    private readonly database: DatabaseService,
    private readonly execution: OrderExecutionService,
    private readonly right: TradingRight,
    private readonly audit: AuditService,
    private readonly idempotency: IdempotencyService,
    private readonly users: UsersService,
    private readonly metrics: TradingMetrics,
  ) {}

  /**
   * Places one order: what it needs is reserved, it is matched at once, and its rest waits or is cancelled as
   * its time in force says.
   * @throws NotFound when there is no such market, InsufficientBalance, or the rule of the market that it breaks
   */
  async place(
    principal: Principal,
    order: OrderRequest,
    request: IdempotentRequest,
  ): Promise<OrderWithTradesView> {
    this.right.check(principal);
    return this.counting('order', () =>
      this.database.transaction((tx) =>
        this.idempotency.once(tx, principal.userId, request, async () => {
          const [outcome] = await this.execute(tx, principal, [order]);
          if (outcome === undefined) throw new Error('The order got no answer');
          if ('refusal' in outcome) throw outcome.refusal;
          return orderWithTradesView(outcome.order, outcome.executions);
        }),
      ),
    );
  }

  /** Places up to 1000 orders in one transaction, in their order; each is answered on its own. */
  async placeBatch(
    principal: Principal,
    orders: readonly (OrderRequest | InvalidInput)[],
    request: IdempotentRequest,
  ): Promise<BatchView> {
    this.right.check(principal);
    return this.counting('order', () =>
      this.database.transaction((tx) =>
        this.idempotency.once(tx, principal.userId, request, async () => {
          const wellFormed = orders.filter(
            (order): order is OrderRequest => !(order instanceof InvalidInput),
          );
          const outcomes = (await this.execute(tx, principal, wellFormed)).values();
          const items = orders.map((order) =>
            itemView(order instanceof InvalidInput ? { refusal: order } : (outcomes.next().value as Outcome)),
          );
          const refused = items.filter((item) => 'error' in item).length;
          tx.afterCommit(() => this.metrics.count('order', 'refused', refused));
          return { items };
        }),
      ),
    );
  }

  private async execute(
    tx: Transaction,
    principal: Principal,
    orders: readonly OrderRequest[],
  ): Promise<Outcome[]> {
    // Held until the commit: an account that is being closed must not come to hold something new.
    await this.users.requireActive(tx, principal.userId);
    const outcomes = await this.execution.execute(
      tx,
      orders.map((request) => ({ userId: principal.userId, request })),
    );
    const placed = outcomes.flatMap((outcome) => ('order' in outcome ? [outcome.order] : []));
    for (const order of placed) {
      this.audit.record(tx, principal, {
        action: 'trading.order_placed',
        entity: 'trading_orders',
        entityId: order.id,
        after: { ...orderView(order) },
      });
    }
    tx.afterCommit(() => this.metrics.count('order', 'ok', placed.length));
    return outcomes;
  }

  /** Counts what a use case refused or failed at; what it did is counted when it is committed. */
  private async counting<Result>(operation: TradingOperation, work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      this.metrics.count(operation, error instanceof DomainError ? 'refused' : 'failed', 1);
      throw error;
    }
  }
}

function itemView(outcome: Outcome): BatchItemView {
  if ('order' in outcome)
    return { status: 201, order: orderWithTradesView(outcome.order, outcome.executions) };
  const { status, code, detail, errors } = problemOf(outcome.refusal).problem;
  return { status, error: { code, detail, ...(errors === undefined ? {} : { errors }) } };
}
