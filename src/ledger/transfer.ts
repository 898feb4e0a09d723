import { newId } from '../common/id';
import type { EnergySource } from '../common/request-schemas';

/** The settlement currency's code, or `energy:<source>`. */
export type Asset = string;
export type Bucket = 'available' | 'reserved';

/** The platform's accounts. Fees have one account per market, so that markets do not queue behind each other. */
export type PlatformAccount = 'issuance' | 'deposits' | `fees:${string}`;

/** Names one account; it is opened when first booked on. */
export interface AccountKey {
  readonly userId: string | null;
  readonly platform: PlatformAccount | null;
  readonly asset: Asset;
  readonly bucket: Bucket;
}

/** One side of a transfer: positive is gained, negative is given. */
export interface Leg {
  readonly account: AccountKey;
  readonly amount: bigint;
}

/** A booking: its legs sum to zero per asset. */
export interface Transfer {
  readonly id: string;
  readonly kind: string;
  readonly reference: string;
  readonly legs: readonly Leg[];
}

export const energyAsset = (source: EnergySource): Asset => `energy:${source}`;

export const userAccount = (userId: string, asset: Asset, bucket: Bucket = 'available'): AccountKey => ({
  userId,
  platform: null,
  asset,
  bucket,
});

export const platformAccount = (platform: PlatformAccount, asset: Asset): AccountKey => ({
  userId: null,
  platform,
  asset,
  bucket: 'available',
});

/** A text that is the same for the same account only. */
export const accountName = ({ userId, platform, asset, bucket }: AccountKey): string =>
  `${userId ?? `platform/${platform}`}/${asset}/${bucket}`;

/** Moves an amount of one asset between two accounts. */
export const move = (from: AccountKey, to: AccountKey, amount: bigint): Leg[] => [
  { account: from, amount: -amount },
  { account: to, amount },
];

/** Claims what somebody has available for an order, offer or withdrawal. */
export const reserve = (userId: string, asset: Asset, amount: bigint): Leg[] =>
  move(userAccount(userId, asset), userAccount(userId, asset, 'reserved'), amount);

/** Gives back what was reserved and is not needed. */
export const release = (userId: string, asset: Asset, amount: bigint): Leg[] =>
  move(userAccount(userId, asset, 'reserved'), userAccount(userId, asset), amount);

/**
 * Makes a transfer. Legs of zero are left out: they say nothing.
 * @throws RangeError when the legs of an asset do not sum to zero: such a transfer would create or lose value
 */
export function transfer(kind: string, reference: string, legs: readonly Leg[]): Transfer {
  const sums = new Map<Asset, bigint>();
  for (const { account, amount } of legs) sums.set(account.asset, (sums.get(account.asset) ?? 0n) + amount);
  for (const [asset, sum] of sums) {
    if (sum !== 0n)
      throw new RangeError(`transfer ${kind} ${reference} is out of balance by ${sum} of ${asset}`);
  }
  return { id: newId(), kind, reference, legs: legs.filter(({ amount }) => amount !== 0n) };
}
