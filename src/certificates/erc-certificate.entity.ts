import { Check, Column, Entity, ForeignKey, Index } from 'typeorm';
import { ENERGY_SOURCES, type EnergySource } from '../common/request-schemas';
import { CreatedAt, EnergyColumn, IdColumn, InstantColumn, UpdatedAt } from '../database/columns';
import { CertificateIssuance } from './certificate-issuance.entity';
import { CERTIFICATE_STATUSES, type CertificateStatus } from './certificate-life-cycle';

/**
 * An energy certificate: so many watt-hours of one source, generated in one period, that one owner may
 * claim by retiring it. It is a lot of an issuance; the lots never certify more than the issuance does.
 */
@Entity('erc_certificates')
@Index('idx_erc_certificates_user_id', ['userId', 'id'])
@Index('idx_erc_certificates_wallet', ['walletAddress', 'id'], { where: 'wallet_address IS NOT NULL' })
@Index('idx_erc_certificates_cert_id', ['certificateId'], { unique: true })
@Index('idx_erc_certificates_status', ['status', 'id'])
@Index('idx_erc_certificates_user_status', ['userId', 'status', 'id'])
@Index('idx_erc_certificates_expiry', ['expiresAt'], { where: `status IN ('active', 'transferred')` })
@Index('idx_erc_certificates_blockchain', ['blockchainTxSignature'], {
  where: 'blockchain_tx_signature IS NOT NULL',
})
@Index('erc_certificates_of_issuance', ['issuanceId'])
@Check('erc_certificates_energy_positive', 'energy_wh > 0')
@Check('erc_certificates_expire_after_issue', 'expires_at > issued_at')
@Check(
  'erc_certificates_retirement',
  `(status = 'retired') = (retired_at IS NOT NULL) AND (retired_at IS NULL) = (beneficiary IS NULL) AND (retired_at IS NULL) = (purpose IS NULL)`,
)
export class ErcCertificate {
  @IdColumn()
  id: string;

  /** What people call it by: `ERC-2026-7K3M9Q`, the year being that of the issue. */
  @Column('text')
  certificateId: string;

  @Column('uuid')
  @ForeignKey(() => CertificateIssuance)
  issuanceId: string;

  /** The present owner. */
  @Column('uuid')
  @ForeignKey('users')
  userId: string;

  /** The owner's wallet when the certificate came to them. */
  @Column('text', { nullable: true })
  walletAddress: string | null;

  @EnergyColumn()
  energyWh: bigint;

  @Column({ type: 'enum', enum: ENERGY_SOURCES, enumName: 'energy_source' })
  energySource: EnergySource;

  /** When the energy was generated, as one ISO 8601 expression: see `vintageOf`. */
  @Column('text')
  vintage: string;

  @Column({ type: 'enum', enum: CERTIFICATE_STATUSES, enumName: 'certificate_status', default: 'active' })
  status: CertificateStatus;

  @InstantColumn()
  issuedAt: Date;

  @InstantColumn()
  expiresAt: Date;

  @InstantColumn({ nullable: true })
  retiredAt: Date | null;

  /** On whose behalf the energy was claimed, and what for; only of a retired certificate. */
  @Column('text', { nullable: true })
  beneficiary: string | null;

  @Column('text', { nullable: true })
  purpose: string | null;

  /** Empty until the certificate is on a chain. */
  @Column('text', { nullable: true })
  blockchainTxSignature: string | null;

  @CreatedAt()
  createdAt: Date;

  @UpdatedAt()
  updatedAt: Date;
}
