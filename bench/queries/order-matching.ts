import { bookPage, FIRST_PAGE } from '../../src/trading/order-book.queries';
import { orderOf, type OrderRow } from '../../src/trading/order-rows';
import { LEAST_PRICE, MOST_PRICE } from '../../src/trading/order-rules';
import type { RestingOrder, Side } from '../../src/trading/order';
import { orderView } from '../../src/trading/trading.views';
import { sampled, sharing, type HotQuery, type Question } from './hot-query';

/** What part of all orders rests, at least. */
const RESTING = 0.01;

/** What matching reads when an order comes: the best orders of the other side that it can meet. */
export const orderMatching: HotQuery<OrderRow> = {
  name: 'matching',
  title: 'Order matching',
  table: 'trading_orders',
  kind: 'list',
  answerRows: FIRST_PAGE,
  sizes: (rows) => ({
    readings: 0,
    others: 1_000,
    tables: { trading_orders: rows, users: sharing(rows, 500) },
    only: ['trading_orders'],
  }),

  async draw(pool, rows, count) {
    const { rows: resting } = await pool.query<Place>(
      `SELECT market, side, price_per_kwh, sequence FROM ${sampled('trading_orders', rows * RESTING, count)}
        WHERE status IN ('open', 'partially_filled') LIMIT ${count}`,
    );
    return resting.map((order, number) => pageOf(order, number));
  },

  view: (row) => orderView(orderOf(row)),
};

interface Place {
  readonly market: string;
  readonly side: Side;
  readonly price_per_kwh: RestingOrder['pricePerKwh'];
  readonly sequence: bigint;
}

/** Every other time the best ones up to a limit, else those behind an order. */
function pageOf({ market, side, price_per_kwh: price, sequence }: Place, number: number): Question<OrderRow> {
  const any = side === 'sell' ? MOST_PRICE : LEAST_PRICE;
  const reach =
    number % 2 === 0 ? { worstPrice: price } : { worstPrice: any, after: { pricePerKwh: price, sequence } };
  return {
    ask: (ask) => ask<OrderRow>(bookPage(market, side, { ...reach, now: new Date(), size: FIRST_PAGE })),
  };
}
