import { Check, Column, Entity } from 'typeorm';
import { ENERGY_SOURCES, type EnergySource } from '../common/request-schemas';
import type { Price, WattHours } from '../common/units';
import { CreatedAt, EnergyColumn, PriceColumn, SequenceColumn, UpdatedAt } from '../database/columns';
import {
  MARKET_STATUSES,
  MECHANISMS,
  type MarketStatus,
  type MarketTerms,
  type Mechanism,
} from './market-terms';

/**
 * Where one kind of energy is traded. Everything that changes a market's orders holds this row's lock, and
 * takes its numbers from `sequence`: that is what makes several processes on one market safe.
 */
@Entity('markets')
@Check('markets_id_form', `id ~ '^[a-z][a-z0-9-]{0,39}$'`)
@Check('markets_tick_positive', 'tick > 0')
@Check('markets_lot_positive', 'lot_wh > 0')
@Check('markets_fee_range', 'fee_bps BETWEEN 0 AND 1000')
@Check('markets_sequence_never_negative', 'sequence >= 0')
export class Market implements MarketTerms {
  /** What people call it by: `solar`. */
  @Column('text', { primary: true })
  id: string;

  @Column({ type: 'enum', enum: MECHANISMS, enumName: 'market_mechanism' })
  mechanism: Mechanism;

  @Column({ type: 'enum', enum: ENERGY_SOURCES, enumName: 'energy_source' })
  energySource: EnergySource;

  /** In micro-units per kWh. */
  @PriceColumn({ default: '1000' })
  tick: Price;

  @EnergyColumn({ default: '1' })
  lotWh: WattHours;

  /** The seller's fee in basis points. */
  @Column('integer')
  feeBps: number;

  @Column({ type: 'enum', enum: MARKET_STATUSES, enumName: 'market_status', default: 'open' })
  status: MarketStatus;

  /** Counts everything that happens to the market's orders. */
  @SequenceColumn({ default: '0' })
  sequence: bigint;

  @CreatedAt()
  createdAt: Date;

  @UpdatedAt()
  updatedAt: Date;
}
