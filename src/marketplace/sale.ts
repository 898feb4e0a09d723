import { newId } from '../common/id';
import type { EnergySource } from '../common/request-schemas';
import { costOf, feeOf, type Money, type Price, type WattHours } from '../common/units';
import { energyAsset, move, platformAccount, userAccount, type Bucket, type Leg } from '../ledger/transfer';
import type { OfferRow } from './offer';

/** Energy of one offer that passes to one buyer at the offer's price. */
export interface Sale {
  /** Key of the transaction that the sale becomes. */
  readonly id: string;
  readonly offerId: string;
  readonly orderId: string | null;
  readonly sellerId: string;
  readonly buyerId: string;
  readonly energySource: EnergySource;
  readonly energy: WattHours;
  readonly price: Price;
  readonly total: Money;
  readonly fee: Money;
}

/** Reckons a sale: the total rounded down once, the fee from it rounded down. */
export function saleOf(
  offer: Pick<OfferRow, 'id' | 'seller_id' | 'energy_source' | 'price_per_kwh'>,
  energy: WattHours,
  buyer: { readonly buyerId: string; readonly orderId: string | null },
  feeBps: number,
): Sale {
  const total = costOf(energy, offer.price_per_kwh);
  return {
    id: newId(),
    offerId: offer.id,
    ...buyer,
    sellerId: offer.seller_id,
    energySource: offer.energy_source,
    energy,
    price: offer.price_per_kwh,
    total,
    fee: feeOf(total, feeBps),
  };
}

/**
 * The bookings of a sale. The buyer gives the total; the seller gets it less the fee, which is the platform's.
 * The energy comes out of what the offer reserved.
 * @param paidFrom `available` for a direct purchase, `reserved` for a fill of an order
 */
export function settlementOf(
  { sellerId, buyerId, energySource, energy, total, fee }: Sale,
  currency: string,
  paidFrom: Bucket,
): Leg[] {
  const asset = energyAsset(energySource);
  const paid: bigint = total;
  return [
    { account: userAccount(buyerId, currency, paidFrom), amount: -paid },
    { account: userAccount(sellerId, currency), amount: total - fee },
    { account: platformAccount('fees:marketplace', currency), amount: fee },
    ...move(userAccount(sellerId, asset, 'reserved'), userAccount(buyerId, asset), energy),
  ];
}
