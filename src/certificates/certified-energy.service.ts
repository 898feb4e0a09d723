import { Injectable } from '@nestjs/common';
import type { Transaction } from '../database/transaction';

/** What is attested of a meter and a half-open period, by an issuance that counts. */
export interface CertifiedPeriod {
  readonly issuanceId: string;
  readonly meterId: string;
  readonly from: Date;
  readonly to: Date;
  /** The larger of what the issuance says and what its lots sum to. */
  readonly energyWh: bigint;
}

/** Evidence about certificates for reconciliation, in the snapshot of whoever compares. */
@Injectable()
export class CertifiedEnergyService {
  /** The next issuances that were not withdrawn, by id. */
  issuancesAfter(tx: Transaction, id: string, limit: number): Promise<CertifiedPeriod[]> {
    return tx.query<CertifiedPeriod>(
      `SELECT i.id AS "issuanceId", i.meter_id AS "meterId", i.period_from AS "from", i.period_to AS "to",
              greatest(i.energy_wh, lots.energy_wh) AS "energyWh"
         FROM certificate_issuances i
        CROSS JOIN LATERAL (SELECT sum(c.energy_wh)::bigint AS energy_wh
                              FROM erc_certificates c WHERE c.issuance_id = i.id) lots
        WHERE i.id > $1 AND i.withdrawn_at IS NULL ORDER BY i.id LIMIT $2`,
      [id, limit],
    );
  }
}
