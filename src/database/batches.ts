import type { DatabaseService } from './database.service';
import type { Transaction } from './transaction';

/**
 * Works through everything that is due, a batch and a short transaction at a time, so that no lock is held for long and
 * no statement takes longer the more there is. Several processes may do it at once when `work` skips locked rows.
 * @param size of a batch; one that is not full is the last
 * @param work does at most so much; answers how much it did
 * @returns how much was done in all
 */
export async function inBatches(
  database: DatabaseService,
  size: number,
  work: (tx: Transaction, size: number) => Promise<number>,
): Promise<number> {
  for (let done = 0; ;) {
    const batch = await database.transaction((tx) => work(tx, size));
    done += batch;
    if (batch < size) return done;
  }
}
