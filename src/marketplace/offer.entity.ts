import { Check, Column, Entity, ForeignKey, Index } from 'typeorm';
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
import { OFFER_STATUSES, type OfferStatus } from './life-cycle';

const ACTIVE = `status = 'active'`;

/**
 * Energy for sale at a fixed price. What is left of an active offer is reserved in the seller's account:
 * `remaining_wh` and the reservation move together. Price, source and window never change after listing.
 */
@Entity('energy_offers')
// What a seller has offered, newest first.
@Index('idx_energy_offers_seller_id', ['sellerId', 'id'])
// Active offers whose time is over, longest over first.
@Index('idx_energy_offers_status', ['availableUntil', 'id'], { where: ACTIVE })
// Active offers of one source, newest first.
@Index('idx_energy_offers_source', ['energySource', 'id'], { where: ACTIVE })
// Active offers of any source, cheapest first: the listing, and what an order without preference takes.
@Index('idx_energy_offers_price', ['pricePerKwh', 'id'], { where: ACTIVE })
// Active offers of one source, cheapest first: the listing, and what an order with a preference takes.
@Index('idx_energy_offers_marketplace', ['energySource', 'pricePerKwh', 'id'], { where: ACTIVE })
// Active offers whose window contains an instant: GiST (tstzrange(available_from, available_until)).
@Index('idx_energy_offers_availability', { synchronize: false })
// Active offers that have at least so much left.
@Index('idx_energy_offers_amount', ['remainingWh'], { where: ACTIVE })
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
