import { Check, Column, Entity, Exclusion, ForeignKey, Index } from 'typeorm';
import { CreatedAt, EnergyColumn, IdColumn, InstantColumn, UpdatedAt } from '../database/columns';

/**
 * The claim that a meter's generation in a period was certified. No two that count may overlap on the same
 * meter: PostgreSQL itself refuses the second one, whichever process sends it. A withdrawn one counts no more.
 */
@Entity('certificate_issuances')
@Exclusion(
  'certificate_issuances_no_overlap',
  'USING gist (meter_id WITH =, tstzrange(period_from, period_to) WITH &&) WHERE (withdrawn_at IS NULL)',
)
@Index('certificate_issuances_of_meter', ['meterId', 'periodFrom'])
@Check('certificate_issuances_period', 'period_from < period_to')
@Check('certificate_issuances_energy_positive', 'energy_wh > 0')
@Check('certificate_issuances_withdrawal', '(withdrawn_at IS NULL) = (withdrawal_reason IS NULL)')
export class CertificateIssuance {
  @IdColumn()
  id: string;

  @Column('uuid')
  @ForeignKey('meters')
  meterId: string;

  /** Half-open: `[periodFrom, periodTo)`, compared with the start of each reading's interval. */
  @InstantColumn()
  periodFrom: Date;

  @InstantColumn()
  periodTo: Date;

  /** What the meter had generated in the period when it was certified. */
  @EnergyColumn()
  energyWh: bigint;

  @InstantColumn({ nullable: true })
  withdrawnAt: Date | null;

  @Column('text', { nullable: true })
  withdrawalReason: string | null;

  @CreatedAt()
  createdAt: Date;

  @UpdatedAt()
  updatedAt: Date;
}
