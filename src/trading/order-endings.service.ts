import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { AuditService, type Actor } from '../audit/audit.service';
import type { Principal } from '../auth/principal';
import { CacheService } from '../cache/cache.service';
import { DomainError, NotFound } from '../common/domain-error';
import { CONFIG, type Config } from '../config/config';
import { inBatches } from '../database/batches';
import { DatabaseService } from '../database/database.service';
import type { Transaction } from '../database/transaction';
import { JobsService } from '../jobs/jobs.service';
import { LedgerService } from '../ledger/ledger.service';
import { isResting, type Order, type OrderReason } from './order';
import { OrderBookQueries, type LockedMarket } from './order-book.queries';
import { advanceMarkets, updateOrders } from './order-records';
import { ORDER_COLUMNS, orderOf, type OrderRow } from './order-rows';
import { assetsOf, end } from './order-settlement';
import { tagsOf } from './trading.cache';
import { OrderNotOpen } from './trading.errors';
import { TradingMetrics } from './trading.metrics';
import { orderView, type OrderView } from './trading.views';

const EXPIRE_JOB = 'trading.expire-orders';
const EVERY_MINUTE = '* * * * *';
/** How many orders expire in one transaction. */
const EXPIRY_BATCH = 1_000;

/**
 * How orders end before they are filled: their owner cancels them, or their time is over. Both go through the
 * market's lock and its sequence like every order, and give back what was reserved.
 */
@Injectable()
export class OrderEndingsService implements OnModuleInit {
  constructor(
    private readonly database: DatabaseService,
    private readonly books: OrderBookQueries,
    private readonly ledger: LedgerService,
    private readonly audit: AuditService,
    private readonly cache: CacheService,
    private readonly jobs: JobsService,
    @Inject(CONFIG) private readonly config: Config,
    private readonly metrics: TradingMetrics,
  ) {}

  onModuleInit(): void {
    this.jobs.declareRecurring(EXPIRE_JOB, EVERY_MINUTE, () => this.expireDue());
  }

  /**
   * Cancels an order of the caller's, also on a halted market.
   * @throws NotFound unless it is the caller's, OrderNotOpen when it waits no longer
   */
  async cancel(principal: Principal, orderId: string): Promise<OrderView> {
    try {
      return await this.database.transaction((tx) => this.cancelOpen(tx, principal, orderId));
    } catch (error) {
      this.metrics.count('cancel', error instanceof DomainError ? 'refused' : 'failed', 1);
      throw error;
    }
  }

  /** Expires every order whose time is over, by the database's clock; a job runs it each minute. */
  async expireDue(): Promise<void> {
    const due = await this.database.query<{ market: string }>(
      `SELECT DISTINCT market FROM trading_orders
        WHERE status IN ('open', 'partially_filled') AND expires_at IS NOT NULL AND expires_at <= now() ORDER BY market`,
    );
    for (const { market } of due) await this.expireOf(market);
  }

  private async cancelOpen(tx: Transaction, principal: Principal, orderId: string): Promise<OrderView> {
    const [mine] = await tx.query<{ market: string }>(
      'SELECT market FROM trading_orders WHERE id = $1 AND user_id = $2',
      [orderId, principal.userId],
    );
    if (mine === undefined) throw new NotFound('order');
    const { markets } = await this.books.lockMarkets(tx, [mine.market]);
    // Read again: before the lock was ours, the order may have been filled.
    const [row] = await tx.query<OrderRow>(`SELECT ${ORDER_COLUMNS} FROM trading_orders WHERE id = $1`, [
      orderId,
    ]);
    if (row === undefined) throw new NotFound('order');
    const order = orderOf(row);
    if (!isResting(order)) throw new OrderNotOpen(order.id, order.status);
    await this.endAll(tx, principal, markets.get(mine.market) as LockedMarket, [order], 'cancelled_by_owner');
    return orderView(order);
  }

  private async expireOf(market: string): Promise<void> {
    await inBatches(this.database, EXPIRY_BATCH, async (tx, size) => {
      const { markets, now } = await this.books.lockMarkets(tx, [market]);
      const rows = await tx.query<OrderRow>(
        `SELECT ${ORDER_COLUMNS} FROM trading_orders
          WHERE market = $1 AND status IN ('open', 'partially_filled') AND expires_at IS NOT NULL AND expires_at <= $2
          ORDER BY expires_at LIMIT $3`,
        [market, now, size],
      );
      await this.endAll(tx, null, markets.get(market) as LockedMarket, rows.map(orderOf), 'expired');
      return rows.length;
    });
  }

  private async endAll(
    tx: Transaction,
    actor: Actor,
    { terms, sequence }: LockedMarket,
    orders: readonly Order[],
    reason: OrderReason & ('cancelled_by_owner' | 'expired'),
  ): Promise<void> {
    if (orders.length === 0) return;
    const assets = assetsOf(terms, this.config.currency);
    const before = orders.map(({ status }) => status);
    const releases = orders.map((order, index) =>
      end(order, reason, assets, { sequence: sequence + BigInt(index) + 1n }),
    );
    await updateOrders(tx, orders);
    await advanceMarkets(tx, new Map([[terms.id, sequence + BigInt(orders.length)]]));
    await this.ledger.post(tx, releases);
    const operation = reason === 'expired' ? 'expire' : 'cancel';
    for (const [index, order] of orders.entries()) {
      this.audit.record(tx, actor, {
        action: reason === 'expired' ? 'trading.order_expired' : 'trading.order_cancelled',
        entity: 'trading_orders',
        entityId: order.id,
        before: { status: before[index] },
        after: { status: order.status, reason, filledKwh: orderView(order).filledKwh },
      });
    }
    this.cache.invalidateAfterCommit(tx, tagsOf([terms.id]));
    tx.afterCommit(() => this.metrics.count(operation, 'ok', orders.length));
  }
}
