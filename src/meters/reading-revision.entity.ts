import { Column, Entity, ForeignKey, Index } from 'typeorm';
import { CreatedAt, EnergyColumn, IdColumn, InstantColumn } from '../database/columns';
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
@Index('reading_revisions_of_interval', ['meterId', 'intervalStart'])
@Index('reading_revisions_refused_once', ['meterId', 'intervalStart', 'newGeneratedWh', 'newConsumedWh'], {
  unique: true,
  where: `outcome = 'refused'`,
})
@Index('reading_revisions_of_user', ['revisedBy'])
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
