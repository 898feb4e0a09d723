import { Check, Column, Entity, ForeignKey, Index } from 'typeorm';
import { CreatedAt, EnergyColumn, IdColumn, InstantColumn, UpdatedAt } from '../database/columns';
import { Meter } from './meter.entity';

export const CHAIN_STATUSES = ['none', 'pending', 'submitted', 'confirmed', 'finalized', 'failed'] as const;

/** How far a mint has come on the chain; `none` while there is no chain to follow. */
export type ChainStatus = (typeof CHAIN_STATUSES)[number];

/** Surplus of one meter that became tokens of its owner, credited in the ledger by the same transaction. */
@Entity('mints')
@Index('mints_of_user', ['userId', 'id'])
@Index('mints_of_meter', ['meterId', 'id'])
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
