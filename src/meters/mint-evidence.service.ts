import { Injectable } from '@nestjs/common';
import type { EnergySource } from '../common/request-schemas';
import type { Transaction } from '../database/transaction';

/** How much there is to look at. */
export interface MeteringCounts {
  readonly meters: number;
  readonly readings: number;
  readonly mints: number;
  readonly refusedRevisions: number;
}

export interface MintedOfSource {
  readonly source: EnergySource;
  readonly energyWh: bigint;
}

/** Surplus of a verified meter that waits to be minted. */
export interface UnmintedSurplus {
  readonly meterId: string;
  readonly serial: string;
  readonly readings: number;
  readonly energyWh: bigint;
}

/** A mint whose readings do not add up to it. */
export interface UnprovenMint {
  readonly mintId: string;
  readonly serial: string;
  readonly energyWh: bigint;
  readonly readings: number;
  readonly readingsWh: bigint;
}

/** Readings that are marked as minted, but by no mint of their meter. */
export interface OrphanedReadings {
  readonly meterId: string;
  readonly serial: string;
  /** The mint they name; null when they name none. */
  readonly mintId: string | null;
  readonly readings: number;
  readonly energyWh: bigint;
}

/** Other figures that came for an interval after it was minted or certified. */
export interface RefusedRevision {
  readonly id: string;
  readonly serial: string;
  readonly intervalStart: Date;
  readonly generatedWh: bigint;
  readonly consumedWh: bigint;
  readonly refusedGeneratedWh: bigint;
  readonly refusedConsumedWh: bigint;
}

/** What a mint says it created, and for whom. */
export interface MintClaim {
  readonly id: string;
  readonly userId: string;
  readonly source: EnergySource;
  readonly energyWh: bigint;
}

/** A span `[from, to)` of a meter. */
export interface MeterPeriod {
  readonly meterId: string;
  readonly from: Date;
  readonly to: Date;
}

/**
 * Evidence about readings and mints for reconciliation: set-wise, over everything there is. All of it takes
 * the transaction of whoever compares, so that everything is seen in one snapshot.
 */
@Injectable()
export class MintEvidenceService {
  async counts(tx: Transaction): Promise<MeteringCounts> {
    const [row] = await tx.query<Record<'meters' | 'readings' | 'mints' | 'refused', bigint>>(
      `SELECT (SELECT count(*) FROM meters) AS meters, (SELECT count(*) FROM meter_readings) AS readings,
              (SELECT count(*) FROM mints) AS mints,
              (SELECT count(*) FROM reading_revisions WHERE outcome = 'refused') AS refused`,
    );
    const of = (count: bigint | undefined) => Number(count ?? 0n);
    return {
      meters: of(row?.meters),
      readings: of(row?.readings),
      mints: of(row?.mints),
      refusedRevisions: of(row?.refused),
    };
  }

  /** What was minted of each source in all. */
  mintedBySource(tx: Transaction): Promise<MintedOfSource[]> {
    return tx.query<MintedOfSource>(
      `SELECT m.energy_source AS source, sum(i.energy_wh)::bigint AS "energyWh"
         FROM mints i JOIN meters m ON m.id = i.meter_id GROUP BY m.energy_source ORDER BY m.energy_source`,
    );
  }

  /** Verified meters with surplus that is not minted, by meter. */
  unmintedSurplus(tx: Transaction): Promise<UnmintedSurplus[]> {
    return tx.query<UnmintedSurplus>(
      `SELECT m.id AS "meterId", m.serial, r.readings, r.energy_wh AS "energyWh"
         FROM (SELECT meter_id, count(*)::integer AS readings, sum(surplus_wh)::bigint AS energy_wh
                 FROM meter_readings WHERE NOT minted AND surplus_wh > 0 GROUP BY meter_id) r
         JOIN meters m ON m.id = r.meter_id
        WHERE m.status = 'verified' ORDER BY m.id`,
    );
  }

  /** Mints whose energy is not the sum of the surplus of the readings that name them. */
  unprovenMints(tx: Transaction): Promise<UnprovenMint[]> {
    return tx.query<UnprovenMint>(
      `SELECT i.id AS "mintId", m.serial, i.energy_wh AS "energyWh", coalesce(r.readings, 0) AS readings,
              coalesce(r.energy_wh, 0) AS "readingsWh"
         FROM mints i
         JOIN meters m ON m.id = i.meter_id
         LEFT JOIN (SELECT mint_id, meter_id, count(*)::integer AS readings, sum(surplus_wh)::bigint AS energy_wh
                      FROM meter_readings WHERE mint_id IS NOT NULL GROUP BY mint_id, meter_id) r
                ON r.mint_id = i.id AND r.meter_id = i.meter_id
        WHERE i.energy_wh IS DISTINCT FROM r.energy_wh ORDER BY i.id`,
    );
  }

  /** Readings that count as minted without a mint of their meter, by meter and by the mint they name. */
  orphanedReadings(tx: Transaction): Promise<OrphanedReadings[]> {
    return tx.query<OrphanedReadings>(
      `SELECT m.id AS "meterId", m.serial, r.mint_id AS "mintId", count(*)::integer AS readings,
              sum(r.surplus_wh)::bigint AS "energyWh"
         FROM meter_readings r
         JOIN meters m ON m.id = r.meter_id
         LEFT JOIN mints i ON i.id = r.mint_id AND i.meter_id = r.meter_id
        WHERE r.minted AND i.id IS NULL
        GROUP BY m.id, m.serial, r.mint_id ORDER BY m.id, r.mint_id`,
    );
  }

  /**
   * Revisions that were refused because their interval was minted or certified, beside what counts now. One
   * that was taken over later on is no longer among them.
   */
  refusedRevisions(tx: Transaction): Promise<RefusedRevision[]> {
    return tx.query<RefusedRevision>(
      `SELECT v.id, m.serial, v.interval_start AS "intervalStart",
              coalesce(r.generated_wh, v.previous_generated_wh) AS "generatedWh",
              coalesce(r.consumed_wh, v.previous_consumed_wh) AS "consumedWh",
              v.new_generated_wh AS "refusedGeneratedWh", v.new_consumed_wh AS "refusedConsumedWh"
         FROM reading_revisions v
         JOIN meters m ON m.id = v.meter_id
         LEFT JOIN meter_readings r ON r.meter_id = v.meter_id AND r.interval_start = v.interval_start
        WHERE v.outcome = 'refused'
          AND (r.generated_wh, r.consumed_wh) IS DISTINCT FROM (v.new_generated_wh, v.new_consumed_wh)
        ORDER BY v.id`,
    );
  }

  /** The next mints by id, so that all of them can be gone through without holding them all at once. */
  mintsAfter(tx: Transaction, id: string, limit: number): Promise<MintClaim[]> {
    return tx.query<MintClaim>(
      `SELECT i.id, i.user_id AS "userId", m.energy_source AS source, i.energy_wh AS "energyWh"
         FROM mints i JOIN meters m ON m.id = i.meter_id WHERE i.id > $1 ORDER BY i.id LIMIT $2`,
      [id, limit],
    );
  }

  /** Which of these mints exist. */
  async existingMints(tx: Transaction, ids: readonly string[]): Promise<Set<string>> {
    const rows = await tx.query<{ id: string }>('SELECT id FROM mints WHERE id = ANY($1::uuid[])', [ids]);
    return new Set(rows.map(({ id }) => id));
  }

  /** What meters generated in periods, in the order of the periods. */
  async generatedWithin(tx: Transaction, periods: readonly MeterPeriod[]): Promise<bigint[]> {
    const rows = await tx.query<{ energy_wh: bigint }>(
      `SELECT coalesce(g.energy_wh, 0)::bigint AS energy_wh
         FROM unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[])
              WITH ORDINALITY AS p(meter_id, period_from, period_to, place)
        CROSS JOIN LATERAL (
              SELECT sum(r.generated_wh) AS energy_wh FROM meter_readings r
               WHERE r.meter_id = p.meter_id AND r.interval_start >= p.period_from AND r.interval_start < p.period_to) g
        ORDER BY p.place`,
      [periods.map(({ meterId }) => meterId), periods.map(({ from }) => from), periods.map(({ to }) => to)],
    );
    return rows.map(({ energy_wh: energy }) => energy);
  }
}
