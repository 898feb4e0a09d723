import type { PageRequest } from '../common/cursor';
import type { EnergySource } from '../common/request-schemas';
import { formatKwh, formatMoney, type Price, type WattHours } from '../common/units';
import type { OfferStatus } from './life-cycle';

/** An offer as the database tells it. */
export interface OfferRow {
  readonly id: string;
  readonly seller_id: string;
  readonly energy_source: EnergySource;
  readonly amount_wh: WattHours;
  readonly remaining_wh: WattHours;
  readonly price_per_kwh: Price;
  readonly available_from: Date;
  readonly available_until: Date;
  readonly status: OfferStatus;
  readonly created_at: Date;
}

export const OFFER_COLUMNS =
  'id, seller_id, energy_source, amount_wh, remaining_wh, price_per_kwh, available_from, available_until, status, created_at';

/** An offer as everybody may see it: who sells is a key, never a name. */
export interface OfferView {
  readonly id: string;
  readonly sellerId: string;
  readonly energySource: EnergySource;
  readonly amountKwh: string;
  readonly remainingKwh: string;
  readonly pricePerKwh: string;
  readonly availableFrom: string;
  readonly availableUntil: string;
  readonly status: OfferStatus;
  readonly createdAt: string;
}

export function offerView(row: OfferRow): OfferView {
  return {
    id: row.id,
    sellerId: row.seller_id,
    energySource: row.energy_source,
    amountKwh: formatKwh(row.amount_wh),
    remainingKwh: formatKwh(row.remaining_wh),
    pricePerKwh: formatMoney(row.price_per_kwh),
    availableFrom: row.available_from.toISOString(),
    availableUntil: row.available_until.toISOString(),
    status: row.status,
    createdAt: row.created_at.toISOString(),
  };
}

/** What somebody looks for on the market. */
export interface OffersFilter extends PageRequest {
  readonly source?: EnergySource | undefined;
  readonly minPrice?: Price | undefined;
  readonly maxPrice?: Price | undefined;
  /** At least so much must be left. */
  readonly minKwh?: WattHours | undefined;
  /** The window must contain this instant; without it offers that are yet to come are listed too. */
  readonly availableAt?: Date | undefined;
  /** Cheapest first, or newest first. */
  readonly sort: 'price' | 'newest';
}
