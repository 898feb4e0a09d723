import { Injectable } from '@nestjs/common';
import { maySee, type Principal } from '../auth/principal';
import { decodeCursor, pageOf, UUID_SHAPE, type Page, type PageRequest } from '../common/cursor';
import { NotFound } from '../common/domain-error';
import type { Money, Price, WattHours } from '../common/units';
import { DatabaseService } from '../database/database.service';
import type { Statement } from '../database/statement';
import { orderOf, ORDER_COLUMNS, type OrderRow } from './order-rows';
import { ORDER_STATUSES, SIDES, type OrderStatus, type Side } from './order';
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

const ALL = `SELECT ${ORDER_COLUMNS} FROM trading_orders WHERE user_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3`;
const OF_STATUS = `SELECT ${ORDER_COLUMNS} FROM trading_orders
  WHERE user_id = $1 AND id < $2 AND status = $4 ORDER BY id DESC LIMIT $3`;

/**
 * By market or side, and any other filter with them. Whatever is not given is gone through, and each combination read
 * from its own place in one index: a filter on top of another list would read an owner's whole history where it lets
 * little through.
 */
const OF_MARKET_OR_SIDE = `
  SELECT ${ORDER_COLUMNS} FROM trading_orders
   WHERE id = ANY (ARRAY(
           SELECT mine.id
             FROM (SELECT id FROM markets WHERE $4::text IS NULL OR id = $4) AS m
            CROSS JOIN unnest($5::trading_order_side[]) AS s(side)
            CROSS JOIN unnest($6::trading_order_status[]) AS t(status)
            CROSS JOIN LATERAL (
                  SELECT o.id FROM trading_orders o
                   WHERE o.user_id = $1 AND o.market = m.id AND o.side = s.side AND o.status = t.status AND o.id < $2
                   ORDER BY o.id DESC LIMIT $3) mine
            ORDER BY mine.id DESC LIMIT $3))
   ORDER BY id DESC`;

const ownTrades = (ofMarket: string): string => `
  (SELECT id, market, 'buy' AS side, buy_order_id AS order_id, quantity_wh, price_per_kwh, amount, fee, executed_at
     FROM trades WHERE buyer_id = $1 AND id < $2 ${ofMarket} ORDER BY id DESC LIMIT $3)
   UNION ALL
  (SELECT id, market, 'sell', sell_order_id, quantity_wh, price_per_kwh, amount, fee, executed_at
     FROM trades WHERE seller_id = $1 AND id < $2 ${ofMarket} ORDER BY id DESC LIMIT $3)
   ORDER BY id DESC LIMIT $3`;
const OWN_TRADES = ownTrades('');
const OWN_TRADES_OF_MARKET = ownTrades('AND market = $4');

/** How many trades an order shows; the rest is in the history. */
const TRADES_OF_ORDER = 200;

/** What owners read of their own orders and trades. */
@Injectable()
export class OrderHistoryService {
  constructor(private readonly database: DatabaseService) {}

  /** The caller's own orders, newest first. */
  async list(userId: string, filter: OrderFilter): Promise<Page<OrderView>> {
    const { text, values } = ordersPage(userId, filter);
    const rows = await this.database.query<OrderRow>(text, values);
    return pageOf(
      rows,
      filter.limit,
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
    const values = [userId, positionOf(cursor), limit + 1];
    const rows = await (market === undefined
      ? this.database.query<OwnTradeRow>(OWN_TRADES, values)
      : this.database.query<OwnTradeRow>(OWN_TRADES_OF_MARKET, [...values, market]));
    return pageOf(rows, limit, ({ id }) => [id], ownTradeView);
  }
}

/** One page of somebody's orders, newest first, and one row more where there are more. */
function ordersPage(userId: string, { status, side, market, limit, cursor }: OrderFilter): Statement {
  const values = [userId, positionOf(cursor), limit + 1];
  if (market !== undefined || side !== undefined) {
    const sides = side === undefined ? SIDES : [side];
    const statuses = status === undefined ? ORDER_STATUSES : [status];
    return { text: OF_MARKET_OR_SIDE, values: [...values, market ?? null, sides, statuses] };
  }
  return status === undefined ? { text: ALL, values } : { text: OF_STATUS, values: [...values, status] };
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
