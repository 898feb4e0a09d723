import { Check, Column, Entity, ForeignKey, Unique } from 'typeorm';
import { ENERGY_SOURCES, type EnergySource } from '../common/request-schemas';
import { CreatedAt, EnergyColumn, IdColumn, UpdatedAt } from '../database/columns';
import { PerformanceIndex } from '../database/indexes/performance-index';
import { METER_STATUSES, type MeterStatus } from './meter-life-cycle';

/** A device that counts what its owner generates and consumes, interval by interval. */
@Entity('meters')
@PerformanceIndex('meters_of_owner', {
  on: ['ownerId', 'id'],
  serves: "an owner's meters, newest first",
  query: `SELECT id, serial, zone, energy_source, status
    FROM meters
    WHERE owner_id = :owner_id
    ORDER BY id DESC LIMIT 50`,
})
@PerformanceIndex('meters_by_status', {
  on: ['status', 'id'],
  serves: 'meters in one status, newest first',
  query: `SELECT id, serial, zone, energy_source
    FROM meters
    WHERE status = :status
    ORDER BY id DESC LIMIT 50`,
  sample: `status <> 'verified'`,
})
@Unique(['serial'])
@Check('meters_capacity_bounded', 'capacity_w BETWEEN 0 AND 1000000000')
@Check('meters_interval_known', 'interval_minutes IN (5, 10, 15, 30, 60)')
export class Meter {
  @IdColumn()
  id: string;

  /** What is printed on it; unique in the whole market. */
  @Column('text')
  serial: string;

  @Column('uuid')
  @ForeignKey('users')
  ownerId: string;

  /** The part of the grid that it hangs on. */
  @Column('text')
  zone: string;

  @Column({ type: 'enum', enum: ENERGY_SOURCES, enumName: 'energy_source' })
  energySource: EnergySource;

  /** Rated power of what generates behind it, in watts; 0 where nothing does. */
  @EnergyColumn()
  capacityW: bigint;

  /** Set by the first reading and the same ever after, so that readings never overlap. */
  @Column('smallint', { nullable: true })
  intervalMinutes: number | null;

  /** IANA name. For people: readings are kept in UTC. */
  @Column('text')
  timeZone: string;

  @Column({ type: 'enum', enum: METER_STATUSES, enumName: 'meter_status', default: 'pending' })
  status: MeterStatus;

  @CreatedAt()
  createdAt: Date;

  @UpdatedAt()
  updatedAt: Date;
}
