import { Check, Column, Entity, ForeignKey } from 'typeorm';
import { CreatedAt, EnergyColumn, IdColumn, InstantColumn, UpdatedAt } from '../database/columns';
import { PerformanceIndex } from '../database/indexes/performance-index';
import { Meter } from './meter.entity';

export const CHAIN_STATUSES = ['none', 'pending', 'submitted', 'confirmed', 'finalized', 'failed'] as const;

/** How far a mint has come on the chain; `none` while there is no chain to follow. */
export type ChainStatus = (typeof CHAIN_STATUSES)[number];

/** Surplus of one meter that became tokens of its owner, credited in the ledger by the same transaction. */
@Entity('mints')
@PerformanceIndex('mints_of_user', {
  on: ['userId', 'id'],
  serves: "a user's mints, newest first",
  query: `SELECT id, meter_id, energy_wh, chain_status
    FROM mints
    WHERE user_id = :user_id
    ORDER BY id DESC LIMIT 50`,
})
@PerformanceIndex('mints_of_meter', {
  on: ['meterId', 'id'],
  serves: "a meter's mints, newest first",
  query: `SELECT id, energy_wh, chain_status
    FROM mints
    WHERE meter_id = :meter_id
    ORDER BY id DESC LIMIT 50`,
})
@Check('mints_energy_positive', 'energy_wh > 0')
@Check('mints_readings_positive', 'readings > 0')
@Check('mints_period', 'period_from < period_to')
export class Mint {
  @IdColumn()
  id: string;

  @Column('uuid')
  @ForeignKey('users')
  userId: string;

  @Column('uuid')
  @ForeignKey(() => Meter)
  meterId: string;

  @EnergyColumn()
  energyWh: bigint;

  /** Start of the first interval in it. */
  @InstantColumn()
  periodFrom: Date;

  /** End of the last interval in it. */
  @InstantColumn()
  periodTo: Date;

  /** How many readings it holds. */
  @Column('integer')
  readings: number;

  @Column({ type: 'enum', enum: CHAIN_STATUSES, enumName: 'chain_status', default: 'none' })
  chainStatus: ChainStatus;

  @Column('text', { nullable: true })
  txSignature: string | null;

  @CreatedAt()
  createdAt: Date;

  @UpdatedAt()
  updatedAt: Date;
}
