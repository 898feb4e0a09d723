import { Injectable } from '@nestjs/common';
import type { Principal, Role } from '../auth/principal';
import { NotFound } from '../common/domain-error';
import { newId } from '../common/id';
import type { WattHours } from '../common/units';
import { violatedConstraint } from '../database/query-events';
import type { Transaction } from '../database/transaction';
import { MetersService, type LockedMeter } from '../meters/meters.service';
import { UsersService } from '../users/users.service';
import { expiryOf } from './certificate-life-cycle';
import { drawCertificateNumber } from './certificate-number';
import type { CertificateRow } from './certificate.view';
import { MeterNotVerified, NothingToCertify, PeriodAlreadyCertified } from './certificates.errors';
import type { IssueRequest } from './dto/certificate-requests';
import { vintageOf } from './vintage';

/** With a million certificates in a year the chance that ten numbers in a row are taken is 10^-30. */
const DRAWS = 10;

/** Those who certify and withdraw for others. */
const ISSUERS: readonly Role[] = ['admin', 'operator'];

const mayCertify = (principal: Principal, ownerId: string): boolean =>
  principal.userId === ownerId || ISSUERS.includes(principal.role);

/** Certifies periods of meters, and takes certified periods back. */
@Injectable()
export class CertificateIssuer {
  constructor(
    private readonly meters: MetersService,
    private readonly users: UsersService,
  ) {}

  /** @returns the number of the new certificate */
  async issue(tx: Transaction, principal: Principal, { meterId, from, to }: IssueRequest): Promise<string> {
    const [meter] = await this.meters.lock(tx, [meterId]);
    if (meter === undefined || !mayCertify(principal, meter.ownerId)) throw new NotFound('meter');
    if (meter.status !== 'verified') throw new MeterNotVerified(meter.serial, meter.status);
    const owner = await this.users.requireActive(tx, meter.ownerId);
    // Marked before they are summed: from then on their figures stand.
    await this.meters.markCertified(tx, meterId, from, to, true);
    const energy = await this.meters.generatedBetween(tx, meterId, from, to);
    if (energy === 0n) throw new NothingToCertify(meter.serial, from, to);
    const issuanceId = await this.claim(tx, meter, { meterId, from, to }, energy);
    return this.writeCertificate(tx, [
      issuanceId,
      owner.id,
      owner.walletAddress,
      energy,
      meter.energySource,
      vintageOf(from, to, meter.timeZone),
    ]);
  }

  /** Gives the period of a certificate free. Its meter is locked by the caller. */
  async withdraw(tx: Transaction, certificate: CertificateRow, reason: string): Promise<void> {
    await tx.query(
      `UPDATE certificate_issuances SET withdrawn_at = now(), withdrawal_reason = $2, updated_at = now()
        WHERE id = $1`,
      [certificate.issuance_id, reason],
    );
    const { meter_id: meterId, period_from: from, period_to: to } = certificate;
    await this.meters.markCertified(tx, meterId, from, to, false);
  }

  /** The exclusion constraint decides whether any of the period is certified already. */
  private async claim(
    tx: Transaction,
    { serial }: LockedMeter,
    { meterId, from, to }: IssueRequest,
    energy: WattHours,
  ): Promise<string> {
    const id = newId();
    try {
      await tx.query(
        `INSERT INTO certificate_issuances (id, meter_id, period_from, period_to, energy_wh)
         VALUES ($1, $2, $3, $4, $5)`,
        [id, meterId, from, to, energy],
      );
      return id;
    } catch (error) {
      if (violatedConstraint(error) !== 'certificate_issuances_no_overlap') throw error;
      throw new PeriodAlreadyCertified(serial);
    }
  }

  private async writeCertificate(tx: Transaction, values: readonly unknown[]): Promise<string> {
    const issuedAt = new Date();
    for (let draw = 1; draw <= DRAWS; draw++) {
      const number = drawCertificateNumber(issuedAt);
      const written = await tx.query(
        `INSERT INTO erc_certificates (id, certificate_id, issued_at, expires_at,
                issuance_id, user_id, wallet_address, energy_wh, energy_source, vintage)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT (certificate_id) DO NOTHING RETURNING id`,
        [newId(), number, issuedAt, expiryOf(issuedAt), ...values],
      );
      if (written.length > 0) return number;
    }
    throw new Error(`${DRAWS} certificate numbers in a row were taken: the year's numbers are running out`);
  }
}
