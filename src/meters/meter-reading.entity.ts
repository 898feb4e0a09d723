import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { CreatedAt, EnergyColumn, UpdatedAt } from '../database/columns';
import { Meter } from './meter.entity';
import { Mint } from './mint.entity';
import { READING_QUALITIES, type ReadingQuality } from './reading';

/**
 * What a meter counted in `[intervalStart, intervalStart + intervalMinutes)`. Partitioned by month of
 * interval_start.
 *
 * Its indexes serve, in this order: somebody's readings, newest first; those that arrived for a wallet; the
 * surplus of a meter that waits to be minted; somebody's readings that are minted, or are not, newest first;
 * what all meters counted in a span of time; the readings behind a transaction on the chain; the readings
 * behind a mint.
 */
@Entity('meter_readings')
@Index('idx_meter_readings_user_id', ['userId', 'intervalStart', 'meterId'])
@Index('idx_meter_readings_wallet', ['walletAddress', 'intervalStart'], {
  where: 'wallet_address IS NOT NULL',
})
@Index('idx_meter_readings_minted', ['meterId', 'userId'], { where: 'NOT minted AND surplus_wh > 0' })
@Index('idx_meter_readings_user_minted', ['userId', 'minted', 'intervalStart', 'meterId'])
@Index('idx_meter_readings_timestamp', ['intervalStart'], { type: 'brin' })
@Index('idx_meter_readings_tx_signature', ['mintTxSignature'], { where: 'mint_tx_signature IS NOT NULL' })
@Index('meter_readings_of_mint', ['mintId'], { where: 'mint_id IS NOT NULL' })
@Check('meter_readings_never_negative', 'generated_wh >= 0 AND consumed_wh >= 0')
@Check('meter_readings_surplus', 'surplus_wh = greatest(0, generated_wh - consumed_wh)')
@Check('meter_readings_interval_known', 'interval_minutes IN (5, 10, 15, 30, 60)')
@Check(
  'meter_readings_aligned',
  `date_bin(make_interval(mins => interval_minutes), interval_start, '1970-01-01 00:00:00+00'::timestamptz) = interval_start`,
)
@Check('meter_readings_minted_by', 'minted = (mint_id IS NOT NULL)')
export class MeterReading {
  @PrimaryColumn('uuid')
  @ForeignKey(() => Meter)
  meterId: string;

  @PrimaryColumn({ type: 'timestamptz', precision: 3 })
  intervalStart: Date;

  @Column('smallint')
  intervalMinutes: number;

  @EnergyColumn()
  generatedWh: bigint;

  @EnergyColumn()
  consumedWh: bigint;

  /** What was generated beyond what was consumed: what can be minted. */
  @EnergyColumn()
  surplusWh: bigint;

  @Column({ type: 'enum', enum: READING_QUALITIES, enumName: 'reading_quality', default: 'actual' })
  quality: ReadingQuality;

  /** The meter's owner when the reading arrived: its surplus is theirs. */
  @Column('uuid')
  @ForeignKey('users')
  userId: string;

  /** The owner's wallet when the reading arrived. */
  @Column('text', { nullable: true })
  walletAddress: string | null;

  /** A reading without surplus has nothing to mint and stays false. */
  @Column('boolean', { default: false })
  minted: boolean;

  @Column('uuid', { nullable: true })
  @ForeignKey(() => Mint)
  mintId: string | null;

  /** Empty until the mint is on a chain. */
  @Column('text', { nullable: true })
  mintTxSignature: string | null;

  /** A certificate attests this interval, so its figures stand. */
  @Column('boolean', { default: false })
  certified: boolean;

  @CreatedAt()
  createdAt: Date;

  @UpdatedAt()
  updatedAt: Date;
}
