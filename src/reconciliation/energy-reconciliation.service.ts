import { Injectable, Logger } from '@nestjs/common';
import { AuditService } from '../audit/audit.service';
import type { Principal } from '../auth/principal';
import { CacheService } from '../cache/cache.service';
import { newId } from '../common/id';
import { formatKwh } from '../common/units';
import { DatabaseService } from '../database/database.service';
import type { Transaction } from '../database/transaction';
import { countByType, ENERGY, KWH, type Break } from './break';
import { EnergyEvidence, type EnergyFindings } from './energy-evidence';
import { tagOf } from './reconciliation.cache';
import { ReconciliationMetrics } from './reconciliation.metrics';
import { ReconciliationService } from './reconciliation.service';
import type { ReconciliationView, RunMetadata } from './reconciliation.view';

/** Breaks written by one statement. */
const BATCH = 2_000;

/** The built-in check: readings, mints and ledger supply tell the same story, and certificates do not exceed it. */
@Injectable()
export class EnergyReconciliationService {
  private readonly logger = new Logger('Reconciliation');

  constructor(
    private readonly database: DatabaseService,
    private readonly evidence: EnergyEvidence,
    private readonly reconciliations: ReconciliationService,
    private readonly audit: AuditService,
    private readonly cache: CacheService,
    private readonly metrics: ReconciliationMetrics,
  ) {}

  /**
   * Runs the check to its end. That it runs is on record before it begins, so that one that never ended can
   * be told from one that never was.
   */
  async run(principal: Principal): Promise<ReconciliationView> {
    const id = await this.begin();
    try {
      const findings = await this.evidence.compare();
      await this.complete(principal, id, findings);
    } catch (error) {
      await this.fail(id);
      throw error;
    }
    return this.reconciliations.find(id);
  }

  /** Runs that nobody can be working on any more, their process having ended, are failed on the way. */
  private begin(): Promise<string> {
    const id = newId();
    return this.database.transaction(async (tx) => {
      const abandoned = await tx.query<{ id: string }>(
        `UPDATE reconciliations
            SET status = 'failed', finished_at = now(), updated_at = now(), metadata = metadata || $2::jsonb
          WHERE status = 'running' AND updated_at < now() - interval '1 day'
            AND project_id IS NULL AND reference = $1
        RETURNING id`,
        [ENERGY, note({ failure: 'The process that ran it ended before the run did' })],
      );
      await tx.query(
        `INSERT INTO reconciliations (id, reference, status, metadata, started_at) VALUES ($1, $2, 'running', $3, now())`,
        [id, ENERGY, note({ unit: KWH })],
      );
      this.cache.invalidateAfterCommit(
        tx,
        abandoned.map((run) => tagOf(run.id)),
      );
      return id;
    });
  }

  private complete(
    principal: Principal,
    id: string,
    { counts, supply, breaks }: EnergyFindings,
  ): Promise<void> {
    const breaksByType = countByType(breaks);
    const checked = {
      ...counts,
      entries: Number(counts.entries),
      assets: supply.map(({ asset, minted, issued, held }) => ({
        asset,
        mintedKwh: formatKwh(minted),
        issuedKwh: formatKwh(issued),
        heldKwh: formatKwh(held),
      })),
    };
    return this.database.transaction(async (tx) => {
      for (let from = 0; from < breaks.length; from += BATCH) {
        await writeBreaks(tx, id, breaks.slice(from, from + BATCH));
      }
      await tx.query(
        `UPDATE reconciliations
            SET status = 'completed', progress = 100, amount = $2, metadata = metadata || $3::jsonb,
                finished_at = now(), updated_at = now()
          WHERE id = $1`,
        [id, supply.reduce((total, { minted }) => total + minted, 0n), note({ checked, breaksByType })],
      );
      this.audit.record(tx, principal, {
        action: 'reconciliation.run',
        entity: 'reconciliations',
        entityId: id,
        after: { reference: ENERGY, status: 'completed', breaksByType },
      });
      this.cache.invalidateAfterCommit(tx, [tagOf(id)]);
      this.metrics.showAfterCommit(tx, breaksByType);
    });
  }

  /** The first error is the one that tells what happened; that it cannot be noted is only logged. */
  private async fail(id: string): Promise<void> {
    try {
      await this.database.transaction(async (tx) => {
        await tx.query(
          `UPDATE reconciliations
              SET status = 'failed', finished_at = now(), updated_at = now(), metadata = metadata || $2::jsonb
            WHERE id = $1 AND status = 'running'`,
          [id, note({ failure: 'The comparison could not be finished; the log of that time says why' })],
        );
        this.cache.invalidateAfterCommit(tx, [tagOf(id)]);
      });
    } catch (error) {
      this.logger.warn(`Run ${id} failed, and that could not be noted: ${String(error)}`);
    }
  }
}

const note = (metadata: Partial<RunMetadata>): string => JSON.stringify(metadata);

async function writeBreaks(
  tx: Transaction,
  reconciliationId: string,
  breaks: readonly Break[],
): Promise<void> {
  await tx.query(
    `INSERT INTO reconciliation_breaks
            (reconciliation_id, id, type, entity, entity_id, unit, expected, actual, difference, detail)
     SELECT $1, id, type, entity, entity_id, unit, expected, actual, actual - expected, detail
       FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::bigint[], $9::text[])
            AS b(id, type, entity, entity_id, unit, expected, actual, detail)`,
    [
      reconciliationId,
      breaks.map(() => newId()),
      breaks.map(({ type }) => type),
      breaks.map(({ entity }) => entity),
      breaks.map(({ entityId }) => entityId),
      breaks.map(({ unit }) => unit),
      breaks.map(({ expected }) => expected),
      breaks.map(({ actual }) => actual),
      breaks.map(({ detail }) => detail),
    ],
  );
}
