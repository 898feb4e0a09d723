import { Check, Column, Entity, Exclusion, ForeignKey } from 'typeorm';
import { CreatedAt, EnergyColumn, IdColumn, InstantColumn, UpdatedAt } from '../database/columns';
import { PerformanceIndex } from '../database/indexes/performance-index';

/**
 * The claim that a meter's generation in a period was certified. No two that count may overlap on the same
 * meter: PostgreSQL itself refuses the second one, whichever process sends it. A withdrawn one counts no more.
 */
@Entity('certificate_issuances')
@PerformanceIndex('certificate_issuances_of_meter', {
  on: ['meterId', 'periodFrom'],
  serves: "a meter's issuances by period",
  query: `SELECT id, period_from, period_to, energy_wh
    FROM certificate_issuances
    WHERE meter_id = :meter_id
    ORDER BY period_from DESC LIMIT 50`,
})
@Exclusion(
  'certificate_issuances_no_overlap',
  'USING gist (meter_id WITH =, tstzrange(period_from, period_to) WITH &&) WHERE (withdrawn_at IS NULL)',
)
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
