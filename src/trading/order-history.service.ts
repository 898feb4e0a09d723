import { Injectable } from '@nestjs/common';
import { maySee, type Principal } from '../auth/principal';
import { decodeCursor, pageOf, UUID_SHAPE, type Page, type PageRequest } from '../common/cursor';
import { NotFound } from '../common/domain-error';
import type { Money, Price, WattHours } from '../common/units';
import { DatabaseService } from '../database/database.service';
import { orderOf, ORDER_COLUMNS, type OrderRow } from './order-rows';
import type { OrderStatus, Side } from './order';
import {
  orderTradeView,
  orderView,
  orderWithTradesView,
  type OrderView,
  type OrderWithTradesView,
  type OwnTradeView,
} from './trading.views';

export interface OrderFilter extends PageRequest {
  readonly status?: OrderStatus | undefined;
  readonly side?: Side | undefined;
  readonly market?: string | undefined;
}

interface DealtRow {
  id: string;
  quantity_wh: WattHours;
  price_per_kwh: Price;
  amount: Money;
  fee: Money;
  executed_at: Date;
}

interface OwnTradeRow extends DealtRow {
  market: string;
  side: Side;
  order_id: string;
}

const LAST = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
/** How many trades an order shows; the rest is in the history. */
const TRADES_OF_ORDER = 200;

/** What owners read of their own orders and trades. */
@Injectable()
export class OrderHistoryService {
  constructor(private readonly database: DatabaseService) {}

  /** The caller's own orders, newest first. */
  async list(userId: string, { status, side, market, limit, cursor }: OrderFilter): Promise<Page<OrderView>> {
    const before = positionOf(cursor);
    const rows =
      status === undefined
        ? await this.database.query<OrderRow>(
            `SELECT ${ORDER_COLUMNS} FROM trading_orders
              WHERE user_id = $1 AND id < $2
                AND ($3::trading_order_side IS NULL OR side = $3) AND ($4::text IS NULL OR market = $4)
              ORDER BY id DESC LIMIT $5`,
            [userId, before, side ?? null, market ?? null, limit + 1],
          )
        : await this.database.query<OrderRow>(
            `SELECT ${ORDER_COLUMNS} FROM trading_orders
              WHERE user_id = $1 AND status = $6 AND id < $2
                AND ($3::trading_order_side IS NULL OR side = $3) AND ($4::text IS NULL OR market = $4)
              ORDER BY id DESC LIMIT $5`,
            [userId, before, side ?? null, market ?? null, limit + 1, status],
          );
    return pageOf(
      rows,
      limit,
      ({ id }) => [id],
      (row) => orderView(orderOf(row)),
    );
  }

  /**
   * One order with its newest trades (200 at most; the history has all).
   * @throws NotFound unless it is the caller's, or the caller sees everything
   */
  async one(principal: Principal, orderId: string): Promise<OrderWithTradesView> {
    const [row] = await this.database.query<OrderRow>(
      `SELECT ${ORDER_COLUMNS} FROM trading_orders WHERE id = $1`,
      [orderId],
    );
    if (row === undefined || !maySee(principal, row.user_id)) throw new NotFound('order');
    const columns = 'id, quantity_wh, price_per_kwh, amount, fee, executed_at';
    const trades = await this.database.query<DealtRow>(
      row.side === 'buy'
        ? `SELECT ${columns} FROM trades WHERE buy_order_id = $1 ORDER BY id DESC LIMIT ${TRADES_OF_ORDER}`
        : `SELECT ${columns} FROM trades WHERE sell_order_id = $1 ORDER BY id DESC LIMIT ${TRADES_OF_ORDER}`,
      [orderId],
    );
    return orderWithTradesView(orderOf(row), trades.map(dealtOf));
  }

  /** The caller's own trades, on one market or on all, newest first; the other party is not named. */
  async trades(
    userId: string,
    { market, limit, cursor }: PageRequest & Pick<OrderFilter, 'market'>,
  ): Promise<Page<OwnTradeView>> {
    const rows = await this.database.query<OwnTradeRow>(
      `(SELECT id, market, 'buy' AS side, buy_order_id AS order_id, quantity_wh, price_per_kwh, amount, fee, executed_at
          FROM trades WHERE buyer_id = $1 AND id < $2 AND ($4::text IS NULL OR market = $4) ORDER BY id DESC LIMIT $3)
       UNION ALL
       (SELECT id, market, 'sell', sell_order_id, quantity_wh, price_per_kwh, amount, fee, executed_at
          FROM trades WHERE seller_id = $1 AND id < $2 AND ($4::text IS NULL OR market = $4) ORDER BY id DESC LIMIT $3)
       ORDER BY id DESC LIMIT $3`,
      [userId, positionOf(cursor), limit + 1, market ?? null],
    );
    return pageOf(rows, limit, ({ id }) => [id], ownTradeView);
  }
}

function positionOf(cursor: string | undefined): string {
  const [position = LAST] = cursor === undefined ? [] : decodeCursor(cursor, [UUID_SHAPE]);
  return position;
}

const dealtOf = (row: DealtRow) => ({
  id: row.id,
  quantityWh: row.quantity_wh,
  pricePerKwh: row.price_per_kwh,
  amount: row.amount,
  fee: row.fee,
  executedAt: row.executed_at,
});

const ownTradeView = (row: OwnTradeRow): OwnTradeView => ({
  ...orderTradeView(dealtOf(row), row.side),
  market: row.market,
  side: row.side,
  orderId: row.order_id,
});
