import { Injectable } from '@nestjs/common';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import type { Counter } from 'prom-client';
import type { Transaction } from '../database/transaction';
import type { CertificateStatus } from './certificate-life-cycle';

export const CERTIFICATES_TOTAL = 'certificates_total';

/** How many certificates came into each status in this process. */
@Injectable()
export class CertificatesMetrics {
  constructor(@InjectMetric(CERTIFICATES_TOTAL) private readonly certificates: Counter<'status'>) {}

  countAfterCommit(tx: Transaction, status: CertificateStatus, count = 1): void {
    tx.afterCommit(() => this.certificates.inc({ status }, count));
  }
}
