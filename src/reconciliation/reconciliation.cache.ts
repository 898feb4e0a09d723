import type { CacheEntry } from '../cache/cache-entry';
import type { ReconciliationView } from './reconciliation.view';

/** Everything that is kept of one run; whoever changes the run or its breaks drops it. */
export const tagOf = (reconciliationId: string): string => `recon:${reconciliationId}`;

/** One run, for five minutes. */
export const reconciliationEntry = (id: string): CacheEntry<ReconciliationView> => ({
  key: ['recon', id],
  ttlSeconds: 300,
  tags: [tagOf(id)],
});
