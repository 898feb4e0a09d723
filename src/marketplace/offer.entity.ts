import { Check, Column, Entity, ForeignKey } from 'typeorm';
import { ENERGY_SOURCES, type EnergySource } from '../common/request-schemas';
import type { Price, WattHours } from '../common/units';
import {
  CreatedAt,
  EnergyColumn,
  IdColumn,
  InstantColumn,
  PriceColumn,
  UpdatedAt,
} from '../database/columns';
import { PerformanceIndex } from '../database/indexes/performance-index';
import { OFFER_STATUSES, type OfferStatus } from './life-cycle';

const ACTIVE = `status = 'active'`;
const NOT_THE_USUAL_SOURCE = `energy_source <> 'solar'`;

/**
 * Energy for sale at a fixed price. What is left of an active offer is reserved in the seller's account:
 * `remaining_wh` and the reservation move together. Price, source and window never change after listing.
 */
@Entity('energy_offers')
@PerformanceIndex('idx_energy_offers_seller_id', {
  on: ['sellerId', 'id'],
  serves: 'what a seller has offered, newest first',
  query: `SELECT id, seller_id, energy_source, amount_wh, remaining_wh, price_per_kwh, available_from, available_until, status
    FROM energy_offers
    WHERE seller_id = :seller_id
    ORDER BY id DESC LIMIT 50`,
})
@PerformanceIndex('idx_energy_offers_status', {
  on: ['availableUntil', 'id'],
  where: ACTIVE,
  serves: 'active offers whose time is over, longest over first',
  query: `SELECT id, seller_id, energy_source, amount_wh, remaining_wh, price_per_kwh, available_from, available_until
    FROM energy_offers
    WHERE status = 'active' AND available_until <= now()
    ORDER BY available_until, id LIMIT 50`,
})
@PerformanceIndex('idx_energy_offers_source', {
  on: ['energySource', 'id'],
  include: ['availableUntil'],
  where: ACTIVE,
  serves: 'the keys of the active offers of one source, newest first, without a look into the table',
  query: `SELECT id
    FROM energy_offers
    WHERE status = 'active' AND available_until > now() AND energy_source = :energy_source
    ORDER BY id DESC LIMIT 50`,
  sample: NOT_THE_USUAL_SOURCE,
})
@PerformanceIndex('idx_energy_offers_price', {
  on: ['pricePerKwh', 'id'],
  where: ACTIVE,
  serves: 'active offers of any source, cheapest first',
  query: `SELECT id, seller_id, energy_source, amount_wh, remaining_wh, price_per_kwh, available_from, available_until
    FROM energy_offers
    WHERE status = 'active' AND available_until > now()
    ORDER BY price_per_kwh, id LIMIT 50`,
})
@PerformanceIndex('idx_energy_offers_marketplace', {
  on: ['energySource', 'pricePerKwh', 'id'],
  where: ACTIVE,
  serves: 'the marketplace listing: active offers of one source, cheapest first',
  query: `SELECT id, seller_id, energy_source, amount_wh, remaining_wh, price_per_kwh, available_from, available_until
    FROM energy_offers
    WHERE status = 'active' AND available_until > now() AND energy_source = :energy_source
    ORDER BY price_per_kwh, id LIMIT 50`,
  sample: NOT_THE_USUAL_SOURCE,
})
@PerformanceIndex('idx_energy_offers_availability', {
  on: [{ sql: 'tstzrange(available_from, available_until)' }],
  using: 'gist',
  where: ACTIVE,
  serves: 'active offers whose window contains an instant of the coming days, cheapest first',
  query: `SELECT id, seller_id, energy_source, amount_wh, remaining_wh, price_per_kwh, available_from, available_until
    FROM energy_offers
    WHERE status = 'active' AND available_until > now() AND tstzrange(available_from, available_until) @> :available_from::timestamptz
    ORDER BY price_per_kwh, id LIMIT 50`,
  sample: `available_from > now() + interval '9 days'`,
})
@PerformanceIndex('idx_energy_offers_amount', {
  on: ['remainingWh'],
  where: ACTIVE,
  serves: 'active offers that have at least so much left, largest first',
  query: `SELECT id, seller_id, energy_source, amount_wh, remaining_wh, price_per_kwh, available_from, available_until
    FROM energy_offers
    WHERE status = 'active' AND remaining_wh >= :remaining_wh
    ORDER BY remaining_wh DESC LIMIT 50`,
})
@Check('energy_offers_amount_positive', 'amount_wh > 0')
@Check('energy_offers_price_positive', 'price_per_kwh > 0')
@Check('energy_offers_never_oversold', 'remaining_wh >= 0 AND remaining_wh <= amount_wh')
@Check('energy_offers_sold_when_empty', `(status = 'sold') = (remaining_wh = 0)`)
@Check('energy_offers_window', 'available_until > available_from')
export class EnergyOffer {
  @IdColumn()
  id: string;

  @Column('uuid')
  @ForeignKey('users')
  sellerId: string;

  @Column({ type: 'enum', enum: ENERGY_SOURCES, enumName: 'energy_source' })
  energySource: EnergySource;

  @EnergyColumn()
  amountWh: WattHours;

  /** What can still be bought; of a closed offer, what went back to the seller. */
  @EnergyColumn()
  remainingWh: WattHours;

  @PriceColumn()
  pricePerKwh: Price;

  /** It can be bought in [availableFrom, availableUntil), by the database's clock. */
  @InstantColumn()
  availableFrom: Date;

  @InstantColumn()
  availableUntil: Date;

  @Column({ type: 'enum', enum: OFFER_STATUSES, enumName: 'energy_offer_status', default: 'active' })
  status: OfferStatus;

  @CreatedAt()
  createdAt: Date;

  @UpdatedAt()
  updatedAt: Date;
}
