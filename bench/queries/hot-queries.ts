import type { HotQuery } from './hot-query';
import { logIn } from './log-in';
import { marketplaceListing } from './marketplace-listing';
import { orderMatching } from './order-matching';
import { readingList } from './reading-list';
import { transactionHistory } from './transaction-history';

/** The five that the market lives by. */
export const HOT_QUERIES: readonly HotQuery[] = [
  logIn,
  readingList,
  orderMatching,
  transactionHistory,
  marketplaceListing,
];
