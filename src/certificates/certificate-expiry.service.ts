import { Injectable } from '@nestjs/common';
import { AuditService } from '../audit/audit.service';
import { CacheService } from '../cache/cache.service';
import { inBatches } from '../database/batches';
import { DatabaseService } from '../database/database.service';
import type { Transaction } from '../database/transaction';
import { certificateTag } from './certificates.cache';
import { CertificatesMetrics } from './certificates.metrics';

const BATCH = 500;

/** Writes down that certificates have expired. Readers see it from the moment on, see the register. */
@Injectable()
export class CertificateExpiryService {
  constructor(
    private readonly database: DatabaseService,
    private readonly audit: AuditService,
    private readonly cache: CacheService,
    private readonly metrics: CertificatesMetrics,
  ) {}

  /** Works through all that are due, in short transactions. @returns how many there were */
  expireDue(): Promise<number> {
    return inBatches(this.database, BATCH, (tx, size) => this.expireBatch(tx, size));
  }

  /** Skips what somebody is changing right now: that one is looked at again in an hour. */
  private async expireBatch(tx: Transaction, size: number): Promise<number> {
    const expired = await tx.query<{ id: string; certificate_id: string; status: string }>(
      `WITH due AS (
         SELECT id, status FROM erc_certificates
          WHERE status IN ('active', 'transferred') AND expires_at <= now()
          ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED)
       UPDATE erc_certificates c SET status = 'expired', updated_at = now()
         FROM due WHERE c.id = due.id
       RETURNING c.id, c.certificate_id, due.status`,
      [size],
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
    const tags = expired.map((certificate) => certificateTag(certificate.certificate_id));
    this.cache.invalidateAfterCommit(tx, tags);
    if (expired.length > 0) this.metrics.countAfterCommit(tx, 'expired', expired.length);
    return expired.length;
  }
}
