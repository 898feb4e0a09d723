import type { EnergySource } from '../common/request-schemas';
import { formatKwh, formatMoney, type Money, type Price, type WattHours } from '../common/units';
import type { EnergyOrderStatus } from './life-cycle';

/** An order for energy as the database tells it. */
export interface EnergyOrderRow {
  readonly id: string;
  readonly buyer_id: string;
  readonly amount_wh: WattHours;
  readonly filled_wh: WattHours;
  readonly max_price_per_kwh: Price;
  readonly preferred_source: EnergySource | null;
  readonly status: EnergyOrderStatus;
  readonly reserved_amount: Money;
  readonly expires_at: Date;
  readonly created_at: Date;
}

export const ENERGY_ORDER_COLUMNS =
  'id, buyer_id, amount_wh, filled_wh, max_price_per_kwh, preferred_source, status, reserved_amount, expires_at, created_at';

export interface EnergyOrderView {
  readonly id: string;
  readonly buyerId: string;
  readonly amountKwh: string;
  readonly filledKwh: string;
  readonly maxPricePerKwh: string;
  readonly preferredSource: EnergySource | null;
  readonly status: EnergyOrderStatus;
  readonly reservedAmount: string;
  readonly expiresAt: string;
  readonly createdAt: string;
}

export function energyOrderView(row: EnergyOrderRow): EnergyOrderView {
  return {
    id: row.id,
    buyerId: row.buyer_id,
    amountKwh: formatKwh(row.amount_wh),
    filledKwh: formatKwh(row.filled_wh),
    maxPricePerKwh: formatMoney(row.max_price_per_kwh),
    preferredSource: row.preferred_source,
    status: row.status,
    reservedAmount: formatMoney(row.reserved_amount),
    expiresAt: row.expires_at.toISOString(),
    createdAt: row.created_at.toISOString(),
  };
}
