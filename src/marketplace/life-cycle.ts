/**
 * Life cycles of the marketplace as tables: each status with those that may follow it. Whatever changes a
 * status asks here first.
 */

export const OFFER_STATUSES = ['active', 'sold', 'cancelled', 'expired'] as const;
export type OfferStatus = (typeof OFFER_STATUSES)[number];

export const ENERGY_ORDER_STATUSES = [
  'pending',
  'partially_filled',
  'filled',
  'cancelled',
  'expired',
] as const;
export type EnergyOrderStatus = (typeof ENERGY_ORDER_STATUSES)[number];

export const TRANSACTION_STATUSES = ['pending', 'processing', 'completed', 'failed', 'cancelled'] as const;
export type TransactionStatus = (typeof TRANSACTION_STATUSES)[number];

/** Each status with its successors; a status without any is final. */
type LifeCycle<Status extends string> = Readonly<Record<Status, readonly Status[]>>;

export const offerLifeCycle: LifeCycle<OfferStatus> = {
  active: ['sold', 'cancelled', 'expired'],
  sold: [],
  cancelled: [], // what was left of it is the seller's again; to sell it, list it anew
  expired: [],
};

export const energyOrderLifeCycle: LifeCycle<EnergyOrderStatus> = {
  pending: ['partially_filled', 'filled', 'cancelled', 'expired'],
  partially_filled: ['partially_filled', 'filled', 'cancelled', 'expired'],
  filled: [],
  cancelled: [],
  expired: [],
};

export const transactionLifeCycle: LifeCycle<TransactionStatus> = {
  pending: ['processing', 'completed', 'failed', 'cancelled'],
  processing: ['completed', 'failed'], // it is on its way to a chain: nobody can call it back
  completed: [],
  failed: [],
  cancelled: [],
};

/** Whether a thing in one status may come to be in another. */
export function mayBecome<Status extends string>(
  lifeCycle: LifeCycle<Status>,
  from: Status,
  to: Status,
): boolean {
  return lifeCycle[from].includes(to);
}
