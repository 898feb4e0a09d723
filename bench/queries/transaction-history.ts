import { encodeCursor } from '../../src/common/cursor';
import { transactionView, type TransactionRow } from '../../src/marketplace/energy-transaction';
import { transactionsPage } from '../../src/marketplace/transactions.service';
import { PAGE } from './page';
import { sharing, type HotQuery, type Question } from './hot-query';

/** GET /api/transactions: a page of what somebody bought and sold, the newest first. */
export const transactionHistory: HotQuery<TransactionRow> = {
  name: 'history',
  title: 'Transaction history',
  table: 'energy_transactions',
  kind: 'list',
  answerRows: PAGE + 1,
  sizes: (rows) => ({
    readings: 0,
    others: 1_000,
    tables: {
      energy_transactions: rows,
      energy_offers: rows / 5,
      energy_orders: rows / 5,
      users: sharing(rows, 300),
    },
    only: ['energy_transactions'],
  }),

  async draw(pool, _rows, count) {
    const { rows: places } = await pool.query<Place>(PLACES, [count]);
    return places.map((place, number) => pageOf(place, number));
  },

  view: transactionView,
};

interface Place {
  readonly user_id: string;
  readonly sale_id: string;
}

/** Everybody who bought once, and one of what they bought. */
const PLACES = `
  SELECT u.id AS user_id, t.id AS sale_id
    FROM users u
   CROSS JOIN LATERAL (SELECT id FROM energy_transactions WHERE buyer_id = u.id ORDER BY hashtext(id::text) LIMIT 1) t
   ORDER BY hashtext(u.id::text) LIMIT $1`;

/** Every other time the first page, else the one behind the sale. */
function pageOf({ user_id: userId, sale_id: saleId }: Place, number: number): Question<TransactionRow> {
  const cursor = number % 2 === 0 ? undefined : encodeCursor([saleId]);
  return { ask: (ask) => ask<TransactionRow>(transactionsPage(userId, { limit: PAGE, cursor })) };
}
