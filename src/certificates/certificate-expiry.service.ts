import { Injectable } from '@nestjs/common';
import { AuditService } from '../audit/audit.service';
import { DatabaseService } from '../database/database.service';
import { CertificatesMetrics } from './certificates.metrics';

const BATCH = 500;

/** Writes down that certificates have expired. Readers see it from the moment on, see the register. */
@Injectable()
export class CertificateExpiryService {
  constructor(
    private readonly database: DatabaseService,
    private readonly audit: AuditService,
    private readonly metrics: CertificatesMetrics,
  ) {}

  /** Works through all that are due, in short transactions. @returns how many there were */
  async expireDue(): Promise<number> {
    for (let expired = 0; ;) {
      const batch = await this.expireBatch();
      expired += batch;
      if (batch < BATCH) return expired;
    }
  }

  /** Skips what somebody is changing right now: that one is looked at again in an hour. */
  private expireBatch(): Promise<number> {
    return this.database.transaction(async (tx) => {
      const expired = await tx.query<{ id: string; certificate_id: string; status: string }>(
        `WITH due AS (
           SELECT id, status FROM erc_certificates
            WHERE status IN ('active', 'transferred') AND expires_at <= now()
            ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED)
         UPDATE erc_certificates c SET status = 'expired', updated_at = now()
           FROM due WHERE c.id = due.id
         RETURNING c.id, c.certificate_id, due.status`,
        [BATCH],
      );
      for (const { id, certificate_id: certificateId, status } of expired) {
        this.audit.record(tx, null, {
          action: 'certificate.expired',
          entity: 'erc_certificates',
          entityId: id,
          before: { certificateId, status },
          after: { certificateId, status: 'expired' },
        });
      }
      if (expired.length > 0) this.metrics.countAfterCommit(tx, 'expired', expired.length);
      return expired.length;
    });
  }
}
