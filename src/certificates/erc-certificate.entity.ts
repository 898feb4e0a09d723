import { Check, Column, Entity, ForeignKey } from 'typeorm';
import { ENERGY_SOURCES, type EnergySource } from '../common/request-schemas';
import { CreatedAt, EnergyColumn, IdColumn, InstantColumn, UpdatedAt } from '../database/columns';
import { PerformanceIndex } from '../database/indexes/performance-index';
import { CertificateIssuance } from './certificate-issuance.entity';
import { CERTIFICATE_STATUSES, type CertificateStatus } from './certificate-life-cycle';

/**
 * An energy certificate: so many watt-hours of one source, generated in one period, that one owner may
 * claim by retiring it. It is a lot of an issuance; the lots never certify more than the issuance does.
 */
@Entity('erc_certificates')
@PerformanceIndex('idx_erc_certificates_user_id', {
  on: ['userId', 'id'],
  serves: "an owner's certificates, newest first",
  query: `SELECT id, certificate_id, user_id, energy_wh, energy_source, vintage, status, expires_at
    FROM erc_certificates
    WHERE user_id = :user_id
    ORDER BY id DESC LIMIT 50`,
})
@PerformanceIndex('idx_erc_certificates_wallet', {
  on: ['walletAddress', 'id'],
  where: 'wallet_address IS NOT NULL',
  serves: 'the certificates that came to a wallet, newest first',
  query: `SELECT id, certificate_id, user_id, energy_wh, energy_source, vintage, status, expires_at
    FROM erc_certificates
    WHERE wallet_address = :wallet_address
    ORDER BY id DESC LIMIT 50`,
})
@PerformanceIndex('idx_erc_certificates_cert_id', {
  on: ['certificateId'],
  unique: true,
  serves: 'verification: the certificate of this number',
  query: `SELECT id, certificate_id, user_id, energy_wh, energy_source, vintage, status, expires_at
    FROM erc_certificates
    WHERE certificate_id = :certificate_id`,
})
@PerformanceIndex('idx_erc_certificates_status', {
  on: ['status', 'id'],
  // With it the page's keys are found by the index alone, those that are over left out.
  include: ['expiresAt'],
  serves: 'all certificates in one status, newest first',
  query: `SELECT id, certificate_id, user_id, energy_wh, energy_source, vintage, status, expires_at
    FROM erc_certificates
    WHERE status = :status
    ORDER BY id DESC LIMIT 50`,
  sample: `status = 'withdrawn'`,
})
@PerformanceIndex('idx_erc_certificates_user_status', {
  on: ['userId', 'status', 'id'],
  serves: "an owner's certificates in one status, newest first",
  query: `SELECT id, certificate_id, user_id, energy_wh, energy_source, vintage, status, expires_at
    FROM erc_certificates
    WHERE user_id = :user_id AND status = :status
    ORDER BY id DESC LIMIT 50`,
  sample: `status = 'retired'`,
})
@PerformanceIndex('idx_erc_certificates_expiry', {
  on: ['expiresAt'],
  where: `status IN ('active', 'transferred')`,
  serves: 'certificates that may be used and whose time is over',
  query: `SELECT id, status
    FROM erc_certificates
    WHERE status IN ('active', 'transferred') AND expires_at <= now()
    ORDER BY expires_at LIMIT 500`,
})
@PerformanceIndex('idx_erc_certificates_blockchain', {
  on: ['blockchainTxSignature'],
  where: 'blockchain_tx_signature IS NOT NULL',
  serves: 'the certificate behind a transaction on the chain',
  query: `SELECT id, certificate_id, user_id, energy_wh, energy_source, vintage, status, expires_at
    FROM erc_certificates
    WHERE blockchain_tx_signature = :blockchain_tx_signature`,
})
@PerformanceIndex('erc_certificates_of_issuance', {
  on: ['issuanceId'],
  serves: 'the lots of an issuance',
  query: `SELECT id, certificate_id, user_id, energy_wh, energy_source, vintage, status, expires_at
    FROM erc_certificates
    WHERE issuance_id = :issuance_id`,
})
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
