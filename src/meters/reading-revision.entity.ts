import { Column, Entity, ForeignKey } from 'typeorm';
import { CreatedAt, EnergyColumn, IdColumn, InstantColumn } from '../database/columns';
import { PerformanceIndex } from '../database/indexes/performance-index';
import { Meter } from './meter.entity';
import { READING_QUALITIES, type ReadingQuality } from './reading';

export const REVISION_OUTCOMES = ['replaced', 'refused'] as const;

/** `replaced`: the new figures count. `refused`: the interval was minted or certified, the old ones count. */
export type RevisionOutcome = (typeof REVISION_OUTCOMES)[number];

/**
 * Somebody sent other figures for an interval than it had. A refused revision is kept once, however often
 * the same figures are sent: it is a break for reconciliation, not a log of attempts.
 */
@Entity('reading_revisions')
@PerformanceIndex('reading_revisions_of_interval', {
  on: ['meterId', 'intervalStart'],
  serves: 'what was changed of a reading',
  query: `SELECT id, outcome, new_generated_wh, new_consumed_wh
    FROM reading_revisions
    WHERE meter_id = :meter_id AND interval_start = :interval_start`,
})
@PerformanceIndex('reading_revisions_refused_once', {
  on: ['meterId', 'intervalStart', 'newGeneratedWh', 'newConsumedWh'],
  unique: true,
  where: `outcome = 'refused'`,
  serves: 'whether the same change was refused before',
  query: `SELECT id
    FROM reading_revisions
    WHERE meter_id = :meter_id AND interval_start = :interval_start AND new_generated_wh = :new_generated_wh AND new_consumed_wh = :new_consumed_wh AND outcome = 'refused'`,
})
@PerformanceIndex('reading_revisions_of_user', {
  on: ['revisedBy'],
  serves: 'what somebody changed',
  query: 'SELECT id FROM reading_revisions WHERE revised_by = :revised_by LIMIT 50',
})
export class ReadingRevision {
  @IdColumn()
  id: string;

  @Column('uuid')
  @ForeignKey(() => Meter)
  meterId: string;

  @InstantColumn()
  intervalStart: Date;

  @EnergyColumn()
  previousGeneratedWh: bigint;

  @EnergyColumn()
  previousConsumedWh: bigint;

  @Column({ type: 'enum', enum: READING_QUALITIES, enumName: 'reading_quality' })
  previousQuality: ReadingQuality;

  @EnergyColumn()
  newGeneratedWh: bigint;

  @EnergyColumn()
  newConsumedWh: bigint;

  @Column({ type: 'enum', enum: READING_QUALITIES, enumName: 'reading_quality' })
  newQuality: ReadingQuality;

  @Column({ type: 'enum', enum: REVISION_OUTCOMES, enumName: 'revision_outcome' })
  outcome: RevisionOutcome;

  /** Who sent the new figures. */
  @Column('uuid')
  @ForeignKey('users')
  revisedBy: string;

  @CreatedAt()
  createdAt: Date;
}
