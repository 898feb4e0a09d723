import { Check, Column, Entity, ForeignKey, Unique } from 'typeorm';
import type { Price, WattHours } from '../common/units';
import {
  CreatedAt,
  EnergyColumn,
  IdColumn,
  InstantColumn,
  PriceColumn,
  UpdatedAt,
} from '../database/columns';
import { Market } from './market.entity';

export const EPOCH_STATUSES = ['open', 'clearing', 'cleared'] as const;
export type EpochStatus = (typeof EPOCH_STATUSES)[number];

/** One auction of a market: the orders of `[startsAt, endsAt)` are cleared at one price. */
@Entity('market_epochs')
@Unique(['market', 'startsAt'])
@Check('market_epochs_period', 'starts_at < ends_at')
@Check('market_epochs_volume_never_negative', 'volume_wh >= 0')
export class MarketEpoch {
  @IdColumn()
  id: string;

  @Column('text')
  @ForeignKey(() => Market)
  market: string;

  @InstantColumn()
  startsAt: Date;

  @InstantColumn()
  endsAt: Date;

  @Column({ type: 'enum', enum: EPOCH_STATUSES, enumName: 'market_epoch_status', default: 'open' })
  status: EpochStatus;

  /** The one price of all its trades; null before it cleared, or when nothing crossed. */
  @PriceColumn({ nullable: true })
  clearingPrice: Price | null;

  @EnergyColumn({ default: '0' })
  volumeWh: WattHours;

  @CreatedAt()
  createdAt: Date;

  @UpdatedAt()
  updatedAt: Date;
}
