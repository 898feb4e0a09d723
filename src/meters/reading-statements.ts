import { newId } from '../common/id';
import type { Transaction } from '../database/transaction';
import { intervalKey, type HeldReading, type MeteredReading, type Revision } from './reading-batch';
import type { Reading, ReadingQuality } from './reading';
import type { MeterFacts } from './reading-rules';

/** A meter with what is copied from it to its readings. */
export interface IntakeMeter extends MeterFacts {
  readonly walletAddress: string | null;
}

interface HeldRow {
  meter_id: string;
  interval_start: Date;
  generated_wh: bigint;
  consumed_wh: bigint;
  quality: ReadingQuality;
  minted: boolean;
  certified: boolean;
}

/*
 * Statements by meter and interval say between which instants the intervals lie as well, which is nothing new: it lets
 * PostgreSQL leave out the partitions of all other months.
 */

const instants = (dates: readonly Date[]): string[] => dates.map((date) => date.toISOString());

/**
 * What is kept of the intervals that these readings are about, by intervalKey. Their meters are locked, so
 * nobody changes it before the transaction ends.
 */
export async function heldReadings(
  tx: Transaction,
  meters: ReadonlyMap<string, MeterFacts>,
  readings: readonly Reading[],
): Promise<Map<string, HeldReading>> {
  const known = readings.filter(({ meterSerial }) => meters.has(meterSerial));
  if (known.length === 0) return new Map();
  const starts = known.map(({ intervalStart }) => intervalStart.getTime());
  const rows = await tx.query<HeldRow>(
    `SELECT r.meter_id, r.interval_start, r.generated_wh, r.consumed_wh, r.quality, r.minted, r.certified
       FROM unnest($1::uuid[], $2::timestamptz[]) AS k(meter_id, interval_start)
       JOIN meter_readings r ON r.meter_id = k.meter_id AND r.interval_start = k.interval_start
      WHERE r.interval_start BETWEEN $3 AND $4`,
    [
      known.map(({ meterSerial }) => meters.get(meterSerial)?.id),
      instants(known.map(({ intervalStart }) => intervalStart)),
      new Date(Math.min(...starts)),
      new Date(Math.max(...starts)),
    ],
  );
  return new Map(rows.map((row) => [intervalKey(row.meter_id, row.interval_start), heldReading(row)]));
}

function heldReading(row: HeldRow): HeldReading {
  const { generated_wh: generatedWh, consumed_wh: consumedWh, quality, minted, certified } = row;
  return { generatedWh, consumedWh, quality, minted, certified };
}

/** Keeps readings of intervals that had none; owner and wallet are those of this moment. */
export async function insertReadings(
  tx: Transaction,
  fresh: readonly MeteredReading<IntakeMeter>[],
): Promise<void> {
  if (fresh.length === 0) return;
  await tx.query(
    `INSERT INTO meter_readings
       (meter_id, interval_start, interval_minutes, generated_wh, consumed_wh, surplus_wh, quality, user_id, wallet_address)
     SELECT meter_id, interval_start, interval_minutes, generated_wh, consumed_wh,
            greatest(0, generated_wh - consumed_wh), quality, user_id, wallet_address
       FROM unnest($1::uuid[], $2::timestamptz[], $3::smallint[], $4::bigint[], $5::bigint[], $6::reading_quality[],
                   $7::uuid[], $8::text[])
         AS n(meter_id, interval_start, interval_minutes, generated_wh, consumed_wh, quality, user_id, wallet_address)
      ORDER BY meter_id, interval_start`,
    [
      fresh.map(({ meter }) => meter.id),
      instants(fresh.map(({ reading }) => reading.intervalStart)),
      fresh.map(({ reading }) => reading.intervalMinutes),
      ...figures(fresh.map(({ reading }) => reading)),
      fresh.map(({ meter }) => meter.ownerId),
      fresh.map(({ meter }) => meter.walletAddress),
    ],
  );
}

/** Replaces the figures of readings; whose they are stays. */
export async function replaceReadings(
  tx: Transaction,
  replaced: readonly MeteredReading<MeterFacts>[],
): Promise<void> {
  if (replaced.length === 0) return;
  const starts = replaced.map(({ reading }) => reading.intervalStart.getTime());
  await tx.query(
    `UPDATE meter_readings r
        SET generated_wh = n.generated_wh, consumed_wh = n.consumed_wh,
            surplus_wh = greatest(0, n.generated_wh - n.consumed_wh), quality = n.quality, updated_at = now()
       FROM unnest($1::uuid[], $2::timestamptz[], $3::bigint[], $4::bigint[], $5::reading_quality[])
         AS n(meter_id, interval_start, generated_wh, consumed_wh, quality)
      WHERE r.meter_id = n.meter_id AND r.interval_start = n.interval_start
        AND r.interval_start BETWEEN $6 AND $7`,
    [
      replaced.map(({ meter }) => meter.id),
      instants(replaced.map(({ reading }) => reading.intervalStart)),
      ...figures(replaced.map(({ reading }) => reading)),
      new Date(Math.min(...starts)),
      new Date(Math.max(...starts)),
    ],
  );
}

/** Keeps what was and what was sent; a refused revision once, however often it is sent. */
export async function keepRevisions(
  tx: Transaction,
  revisions: readonly Revision[],
  revisedBy: string,
): Promise<void> {
  if (revisions.length === 0) return;
  await tx.query(
    `INSERT INTO reading_revisions
       (id, meter_id, interval_start, previous_generated_wh, previous_consumed_wh, previous_quality,
        new_generated_wh, new_consumed_wh, new_quality, outcome, revised_by)
     SELECT n.*, $11::uuid
       FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::bigint[], $5::bigint[], $6::reading_quality[],
                   $7::bigint[], $8::bigint[], $9::reading_quality[], $10::revision_outcome[]) AS n
     ON CONFLICT (meter_id, interval_start, new_generated_wh, new_consumed_wh) WHERE outcome = 'refused' DO NOTHING`,
    [
      revisions.map(() => newId()),
      revisions.map(({ meterId }) => meterId),
      instants(revisions.map(({ intervalStart }) => intervalStart)),
      ...figures(revisions.map(({ previous }) => previous)),
      ...figures(revisions.map(({ next }) => next)),
      revisions.map(({ outcome }) => outcome),
      revisedBy,
    ],
  );
}

/** Settles in what intervals meters count, once and for all. */
export async function settleIntervals(tx: Transaction, lengths: ReadonlyMap<string, number>): Promise<void> {
  if (lengths.size === 0) return;
  await tx.query(
    `UPDATE meters m SET interval_minutes = n.minutes, updated_at = now()
       FROM unnest($1::uuid[], $2::smallint[]) AS n(id, minutes) WHERE m.id = n.id`,
    [[...lengths.keys()], [...lengths.values()]],
  );
}

function figures(
  of: readonly { generatedWh: bigint; consumedWh: bigint; quality: ReadingQuality }[],
): unknown[] {
  return [
    of.map(({ generatedWh }) => generatedWh),
    of.map(({ consumedWh }) => consumedWh),
    of.map(({ quality }) => quality),
  ];
}
