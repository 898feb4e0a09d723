import type { Transaction } from '../database/transaction';

/**
 * The database's clock when the transaction began, in whole milliseconds. Windows and expiries go by it and
 * not by this machine's clock, so that all processes agree on what is over.
 */
export async function transactionTime(tx: Transaction): Promise<Date> {
  const [row] = await tx.query<{ now: Date }>(`SELECT date_trunc('milliseconds', now()) AS now`);
  if (row === undefined) throw new Error('The database told no time');
  return row.now;
}
