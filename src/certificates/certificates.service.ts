import { Injectable } from '@nestjs/common';
import { AuditService } from '../audit/audit.service';
import { IdempotencyService } from '../audit/idempotency.service';
import type { Principal } from '../auth/principal';
import { TradingRight } from '../auth/trading-right';
import { CacheService } from '../cache/cache.service';
import { NotFound } from '../common/domain-error';
import { newId } from '../common/id';
import { DatabaseService } from '../database/database.service';
import type { Transaction } from '../database/transaction';
import type { IdempotentRequest } from '../http/idempotency-key';
import { MetersService } from '../meters/meters.service';
import { UsersService } from '../users/users.service';
import { CertificateIssuer } from './certificate-issuer';
import { maySucceed, type CertificateStatus } from './certificate-life-cycle';
import { CertificateRegisterService } from './certificate-register.service';
import { certificateView, type CertificateRow, type CertificateView } from './certificate.view';
import { certificateTag } from './certificates.cache';
import {
  CertificateChanged,
  CertificateEnded,
  ReceiverCannotHold,
  TransferToSelf,
} from './certificates.errors';
import { CertificatesMetrics } from './certificates.metrics';
import type { IssueRequest, Retirement } from './dto/certificate-requests';

/** What becomes of a certificate. */
type Succession = Pick<CertificateRow, 'status'> &
  Partial<Pick<CertificateRow, 'user_id' | 'wallet_address' | 'beneficiary' | 'purpose'>>;

/** A certificate's life: it is issued, changes hands as a whole, and is retired or withdrawn. */
@Injectable()
export class CertificatesService {
  constructor(
    private readonly database: DatabaseService,
    private readonly register: CertificateRegisterService,
    private readonly issuer: CertificateIssuer,
    private readonly meters: MetersService,
    private readonly users: UsersService,
    private readonly tradingRight: TradingRight,
    private readonly idempotency: IdempotencyService,
    private readonly audit: AuditService,
    private readonly cache: CacheService,
    private readonly metrics: CertificatesMetrics,
  ) {}

  /**
   * Certifies what a verified meter generated in a period; the certificate is its owner's.
   * @throws NotFound the meter is somebody else's
   * @throws MeterNotVerified | NothingToCertify
   * @throws PeriodAlreadyCertified any part of the period is certified already
   */
  issue(
    principal: Principal,
    request: IssueRequest,
    idempotent: IdempotentRequest,
  ): Promise<CertificateView> {
    return this.once(principal, idempotent, async (tx) => {
      const certificateId = await this.issuer.issue(tx, principal, request);
      const view = certificateView(await this.register.find(tx, certificateId));
      this.record(tx, principal, 'certificate.issued', undefined, view);
      return view;
    });
  }

  /**
   * Gives the whole certificate to somebody else.
   * @throws NotFound it is not the caller's, or there is no such receiver
   * @throws CertificateEnded | CertificateChanged
   */
  transfer(
    principal: Principal,
    typed: string,
    toUserId: string,
    idempotent: IdempotentRequest,
  ): Promise<CertificateView> {
    this.tradingRight.check(principal);
    return this.once(principal, idempotent, async (tx) => {
      const certificate = await this.own(tx, principal, typed);
      if (toUserId === principal.userId) throw new TransferToSelf();
      const receiver = await this.users.requireActive(tx, toUserId);
      if (receiver.role === 'auditor') throw new ReceiverCannotHold();
      const view = await this.succeed(tx, principal, certificate, 'certificate.transferred', {
        status: 'transferred',
        user_id: receiver.id,
        wallet_address: receiver.walletAddress,
      });
      await tx.query(
        `INSERT INTO erc_certificate_transfers (id, erc_certificate_id, from_user_id, to_user_id)
         VALUES ($1, $2, $3, $4)`,
        [newId(), certificate.id, principal.userId, receiver.id],
      );
      return view;
    });
  }

  /**
   * Claims the energy for a beneficiary. It is final: nobody can claim it again.
   * @throws NotFound it is not the caller's
   * @throws CertificateEnded | CertificateChanged
   */
  retire(
    principal: Principal,
    typed: string,
    { beneficiary, purpose }: Retirement,
    idempotent: IdempotentRequest,
  ): Promise<CertificateView> {
    return this.once(principal, idempotent, async (tx) => {
      const certificate = await this.own(tx, principal, typed);
      return this.succeed(tx, principal, certificate, 'certificate.retired', {
        status: 'retired',
        beneficiary,
        purpose,
      });
    });
  }

  /**
   * Takes back what should not have been certified. The period may be certified anew, and its readings may be
   * revised again.
   * @throws CertificateEnded it is retired, expired or withdrawn already
   */
  withdraw(
    principal: Principal,
    typed: string,
    reason: string,
    idempotent: IdempotentRequest,
  ): Promise<CertificateView> {
    return this.once(principal, idempotent, async (tx) => {
      const certificate = await this.register.find(tx, typed);
      // The meter first, as whoever issues does: then nobody waits for the other in a circle.
      await this.meters.lock(tx, [certificate.meter_id]);
      const view = await this.succeed(
        tx,
        principal,
        certificate,
        'certificate.withdrawn',
        { status: 'withdrawn' },
        { reason },
      );
      await this.issuer.withdraw(tx, certificate, reason);
      return view;
    });
  }

  private once(
    principal: Principal,
    request: IdempotentRequest,
    work: (tx: Transaction) => Promise<CertificateView>,
  ): Promise<CertificateView> {
    return this.database.transaction((tx) =>
      this.idempotency.once(tx, principal.userId, request, () => work(tx)),
    );
  }

  private async own(tx: Transaction, principal: Principal, typed: string): Promise<CertificateRow> {
    const certificate = await this.register.find(tx, typed);
    if (certificate.user_id !== principal.userId) throw new NotFound('certificate');
    return certificate;
  }

  /**
   * Writes what becomes of a certificate, provided that it still is what was read: of two who change it at
   * once the first wins, and the other one is told.
   */
  private async succeed(
    tx: Transaction,
    principal: Principal,
    before: CertificateRow,
    action: string,
    next: Succession,
    noted: Record<string, string> = {},
  ): Promise<CertificateView> {
    if (!maySucceed(before.status, next.status))
      throw new CertificateEnded(before.certificate_id, before.status);
    const after = { ...before, ...next };
    const written = await tx.query(
      `UPDATE erc_certificates
          SET status = $4::certificate_status, user_id = $5, wallet_address = $6, beneficiary = $7, purpose = $8,
              retired_at = CASE WHEN $4::certificate_status = 'retired' THEN now() END, updated_at = now()
        WHERE id = $1 AND user_id = $2 AND status = $3
      RETURNING id`,
      [
        before.id,
        before.user_id,
        before.status,
        after.status,
        after.user_id,
        after.wallet_address,
        after.beneficiary,
        after.purpose,
      ],
    );
    if (written.length === 0) throw new CertificateChanged(before.certificate_id);
    this.cache.invalidateAfterCommit(tx, [certificateTag(before.certificate_id)]);
    const view = certificateView(await this.register.find(tx, before.certificate_id));
    this.record(tx, principal, action, certificateView(before), { ...view, ...noted });
    return view;
  }

  private record(
    tx: Transaction,
    principal: Principal,
    action: string,
    before: CertificateView | undefined,
    after: CertificateView,
  ): void {
    this.audit.record(tx, principal, {
      action,
      entity: 'erc_certificates',
      entityId: after.id,
      before: before && changing(before),
      after: { ...after },
    });
    this.metrics.countAfterCommit(tx, after.status);
  }
}

/** What a change may touch: the rest of a certificate stands for ever. */
function changing({ status, ownerId, walletAddress }: CertificateView): {
  status: CertificateStatus;
  ownerId: string;
  walletAddress: string | null;
} {
  return { status, ownerId, walletAddress };
}
