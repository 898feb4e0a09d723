import { Check, Column, Entity, ForeignKey } from 'typeorm';
import { ENERGY_SOURCES, type EnergySource } from '../common/request-schemas';
import type { Money, Price, WattHours } from '../common/units';
import {
  CreatedAt,
  EnergyColumn,
  IdColumn,
  InstantColumn,
  MoneyColumn,
  PriceColumn,
  UpdatedAt,
} from '../database/columns';
import { PerformanceIndex } from '../database/indexes/performance-index';
import { ENERGY_ORDER_STATUSES, type EnergyOrderStatus } from './life-cycle';

const OPEN = `status IN ('pending', 'partially_filled')`;

/**
 * What somebody wants to buy, and the highest price for it. While it is open the buyer's money for what is
 * missing, at that price, is reserved: `reserved_amount` says how much of the reservation is this order's.
 */
@Entity('energy_orders')
@PerformanceIndex('idx_energy_orders_buyer_id', {
  on: ['buyerId', 'id'],
  serves: 'what a buyer has ordered, newest first',
  query: `SELECT id, buyer_id, amount_wh, filled_wh, max_price_per_kwh, preferred_source, status
    FROM energy_orders
    WHERE buyer_id = :buyer_id
    ORDER BY id DESC LIMIT 50`,
})
@PerformanceIndex('idx_energy_orders_status', {
  on: ['expiresAt', 'id'],
  where: OPEN,
  serves: 'open orders whose time is over, longest over first',
  query: `SELECT id, buyer_id, amount_wh, filled_wh, max_price_per_kwh, preferred_source, status
    FROM energy_orders
    WHERE status IN ('pending', 'partially_filled') AND expires_at <= now()
    ORDER BY expires_at, id LIMIT 50`,
})
@PerformanceIndex('idx_energy_orders_buyer_status', {
  on: ['buyerId', 'status', 'id'],
  serves: "a buyer's orders in one status, newest first",
  query: `SELECT id, buyer_id, amount_wh, filled_wh, max_price_per_kwh, preferred_source, status
    FROM energy_orders
    WHERE buyer_id = :buyer_id AND status = :status
    ORDER BY id DESC LIMIT 50`,
  sample: OPEN,
})
@PerformanceIndex('idx_energy_orders_source', {
  on: ['preferredSource', 'maxPricePerKwh', 'id'],
  order: { maxPricePerKwh: 'DESC' },
  where: `${OPEN} AND preferred_source IS NOT NULL`,
  serves: 'open demand for one source, highest limit first',
  query: `SELECT id, buyer_id, amount_wh, filled_wh, max_price_per_kwh, preferred_source, status
    FROM energy_orders
    WHERE status IN ('pending', 'partially_filled') AND preferred_source = :preferred_source
    ORDER BY max_price_per_kwh DESC, id LIMIT 50`,
})
@PerformanceIndex('idx_energy_orders_price', {
  on: ['maxPricePerKwh', 'id'],
  order: { maxPricePerKwh: 'DESC' },
  where: OPEN,
  serves: 'open demand of every kind, highest limit first',
  query: `SELECT id, buyer_id, amount_wh, filled_wh, max_price_per_kwh, preferred_source, status
    FROM energy_orders
    WHERE status IN ('pending', 'partially_filled')
    ORDER BY max_price_per_kwh DESC, id LIMIT 50`,
})
@Check('energy_orders_amount_positive', 'amount_wh > 0')
@Check('energy_orders_price_positive', 'max_price_per_kwh > 0')
@Check('energy_orders_never_overfilled', 'filled_wh >= 0 AND filled_wh <= amount_wh')
@Check('energy_orders_filled_when_complete', `(status = 'filled') = (filled_wh = amount_wh)`)
@Check('energy_orders_pending_when_untouched', `status <> 'pending' OR filled_wh = 0`)
@Check('energy_orders_partially_filled_when_touched', `status <> 'partially_filled' OR filled_wh > 0`)
@Check('energy_orders_reservation', 'reserved_amount >= 0')
@Check(
  'energy_orders_closed_reserves_nothing',
  `status IN ('pending', 'partially_filled') OR reserved_amount = 0`,
)
export class EnergyOrder {
  @IdColumn()
  id: string;

  @Column('uuid')
  @ForeignKey('users')
  buyerId: string;

  @EnergyColumn()
  amountWh: WattHours;

  @EnergyColumn({ default: '0' })
  filledWh: WattHours;

  @PriceColumn()
  maxPricePerKwh: Price;

  /** Only energy of this source; null takes any. */
  @Column({ type: 'enum', enum: ENERGY_SOURCES, enumName: 'energy_source', nullable: true })
  preferredSource: EnergySource | null;

  @Column({ type: 'enum', enum: ENERGY_ORDER_STATUSES, enumName: 'energy_order_status', default: 'pending' })
  status: EnergyOrderStatus;

  /** Money of the buyer that is still reserved for what is missing; nothing once the order is closed. */
  @MoneyColumn()
  reservedAmount: Money;

  /** It can be matched before this instant, by the database's clock. */
  @InstantColumn()
  expiresAt: Date;

  @CreatedAt()
  createdAt: Date;

  @UpdatedAt()
  updatedAt: Date;
}
