import { Check, Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';
import { CreatedAt, EnergyColumn, UpdatedAt } from '../database/columns';
import { PerformanceIndex } from '../database/indexes/performance-index';
import { Meter } from './meter.entity';
import { Mint } from './mint.entity';
import { READING_QUALITIES, type ReadingQuality } from './reading';

/** Of a meter that still counts. */
const RECENT = `interval_start > now() - interval '4 days'`;

/**
 * What a meter counted in `[intervalStart, intervalStart + intervalMinutes)`. Partitioned by month of
 * interval_start.
 */
@Entity('meter_readings')
@PerformanceIndex('idx_meter_readings_user_id', {
  on: ['userId', 'intervalStart', 'meterId'],
  serves: "somebody's readings, newest first",
  query: `SELECT meter_id, interval_start, interval_minutes, generated_wh, consumed_wh, surplus_wh
    FROM meter_readings
    WHERE user_id = :user_id AND interval_start >= date_trunc('month', now()) - interval '1 month' AND interval_start < now() + interval '1 hour'
    ORDER BY interval_start DESC, meter_id DESC LIMIT 50`,
  sample: RECENT,
})
@PerformanceIndex('idx_meter_readings_wallet', {
  on: ['walletAddress', 'intervalStart'],
  where: 'wallet_address IS NOT NULL',
  serves: 'the readings that arrived for a wallet, newest first',
  query: `SELECT meter_id, interval_start, interval_minutes, generated_wh, consumed_wh, surplus_wh
    FROM meter_readings
    WHERE wallet_address = :wallet_address
    ORDER BY interval_start DESC LIMIT 50`,
})
@PerformanceIndex('idx_meter_readings_minted', {
  on: ['meterId', 'userId'],
  where: 'NOT minted AND surplus_wh > 0',
  serves: 'the surplus of a meter that waits to be minted',
  query: `SELECT DISTINCT meter_id, user_id
    FROM meter_readings
    WHERE meter_id = :meter_id AND NOT minted AND surplus_wh > 0`,
})
@PerformanceIndex('idx_meter_readings_user_minted', {
  on: ['userId', 'minted', 'intervalStart', 'meterId'],
  // With them the sums over all readings of a user are made by the index alone.
  include: ['generatedWh', 'consumedWh', 'surplusWh'],
  serves: "somebody's readings that are minted, or are not, newest first: those of the last days are not yet",
  query: `SELECT meter_id, interval_start, interval_minutes, generated_wh, consumed_wh, surplus_wh
    FROM meter_readings
    WHERE user_id = :user_id AND minted = :minted AND interval_start >= date_trunc('month', now()) - interval '1 month' AND interval_start < now() + interval '1 hour'
    ORDER BY interval_start DESC, meter_id DESC LIMIT 50`,
  sample: `minted AND ${RECENT}`,
})
// Late readings lie among later ones: several spans for each range of pages keep the range from being read for them.
@PerformanceIndex('idx_meter_readings_timestamp', {
  on: [{ sql: 'interval_start', operatorClass: 'timestamptz_minmax_multi_ops(values_per_range=16)' }],
  using: 'brin',
  with: { pages_per_range: 8 },
  serves: 'what all meters counted in a span of time',
  query: `SELECT meter_id, interval_start, interval_minutes, generated_wh, consumed_wh, surplus_wh
    FROM meter_readings
    WHERE interval_start >= :interval_start::timestamptz AND interval_start < :interval_start::timestamptz + interval '1 hour'`,
  // Of months that are over few meters are left in a market that grows: there PostgreSQL 18 goes from user to user.
  sample: `interval_start BETWEEN now() - interval '3 days' AND now() - interval '1 day'`,
})
@PerformanceIndex('idx_meter_readings_tx_signature', {
  on: ['mintTxSignature'],
  where: 'mint_tx_signature IS NOT NULL',
  serves: 'the readings behind a transaction on the chain',
  query: `SELECT meter_id, interval_start, interval_minutes, generated_wh, consumed_wh, surplus_wh
    FROM meter_readings
    WHERE mint_tx_signature = :mint_tx_signature`,
})
@PerformanceIndex('meter_readings_of_mint', {
  on: ['mintId'],
  where: 'mint_id IS NOT NULL',
  serves: 'the readings behind a mint',
  query: `SELECT meter_id, interval_start, interval_minutes, generated_wh, consumed_wh, surplus_wh
    FROM meter_readings
    WHERE mint_id = :mint_id`,
})
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
