import type { EnergySource } from '../common/request-schemas';
import { formatKwh } from '../common/units';
import type { CertificateStatus } from './certificate-life-cycle';

/** A certificate with the period of its issuance; `status` is the one that counts now. */
export interface CertificateRow {
  id: string;
  certificate_id: string;
  issuance_id: string;
  user_id: string;
  wallet_address: string | null;
  energy_wh: bigint;
  energy_source: EnergySource;
  vintage: string;
  status: CertificateStatus;
  issued_at: Date;
  expires_at: Date;
  retired_at: Date | null;
  beneficiary: string | null;
  purpose: string | null;
  blockchain_tx_signature: string | null;
  meter_id: string;
  period_from: Date;
  period_to: Date;
}

/** What anybody may know who has the number: what it attests and whether it is claimed, but not whose it is. */
export interface VerificationView {
  readonly certificateId: string;
  readonly status: CertificateStatus;
  readonly energyKwh: string;
  readonly energySource: EnergySource;
  readonly vintage: string;
  readonly period: { readonly from: string; readonly to: string };
  readonly issuedAt: string;
  readonly expiresAt: string;
  readonly retiredAt: string | null;
  readonly beneficiary: string | null;
  readonly purpose: string | null;
  readonly blockchainTxSignature: string | null;
}

/** What its owner sees of it. */
export interface CertificateView extends VerificationView {
  readonly id: string;
  readonly ownerId: string;
  readonly walletAddress: string | null;
  readonly meterId: string;
}

export function verificationView(row: CertificateRow): VerificationView {
  return {
    certificateId: row.certificate_id,
    status: row.status,
    energyKwh: formatKwh(row.energy_wh),
    energySource: row.energy_source,
    vintage: row.vintage,
    period: { from: row.period_from.toISOString(), to: row.period_to.toISOString() },
    issuedAt: row.issued_at.toISOString(),
    expiresAt: row.expires_at.toISOString(),
    retiredAt: row.retired_at?.toISOString() ?? null,
    beneficiary: row.beneficiary,
    purpose: row.purpose,
    blockchainTxSignature: row.blockchain_tx_signature,
  };
}

export function certificateView(row: CertificateRow): CertificateView {
  return {
    id: row.id,
    ownerId: row.user_id,
    walletAddress: row.wallet_address,
    meterId: row.meter_id,
    ...verificationView(row),
  };
}
