import { encodeCursor } from '../../src/common/cursor';
import { transactionView, type TransactionRow } from '../../src/marketplace/energy-transaction';
import { transactionsPage } from '../../src/marketplace/transactions.service';
import { PAGE } from './page';
import { sampled, type HotQuery, type Question } from './hot-query';

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
      users: Math.ceil(rows / 20),
    },
    only: ['energy_transactions'],
  }),

  async draw(client, rows, count) {
    const { rows: sales } = await client.query<Place>(
      `SELECT id, seller_id, buyer_id FROM ${sampled('energy_transactions', rows, count)} LIMIT ${count}`,
    );
    return sales.map((sale, number) => pageOf(sale, number));
  },

  view: transactionView,
};

type Place = Pick<TransactionRow, 'id' | 'seller_id' | 'buyer_id'>;

/** Of either party; every other time the first page, else the one behind the sale. */
function pageOf({ id, seller_id: seller, buyer_id: buyer }: Place, number: number): Question<TransactionRow> {
  const cursor = number % 2 === 0 ? undefined : encodeCursor([id]);
  const party = number % 4 < 2 ? seller : buyer;
  return { ask: (ask) => ask<TransactionRow>(transactionsPage(party, { limit: PAGE, cursor })) };
}
