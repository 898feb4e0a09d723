import { Refusal, type Reading, type ReadingQuality } from './reading';
import { refusalByMeter, type MeterFacts } from './reading-rules';
import type { RevisionOutcome } from './reading-revision.entity';

/** What is said of one interval. */
export interface Figures {
  readonly generatedWh: bigint;
  readonly consumedWh: bigint;
  readonly quality: ReadingQuality;
}

/** What the market holds of one interval. */
export interface HeldReading extends Figures {
  readonly minted: boolean;
  readonly certified: boolean;
}

/** A reading, and the meter that it is of. */
export interface MeteredReading<Meter extends MeterFacts> {
  readonly meter: Meter;
  readonly reading: Reading;
}

/** Other figures for an interval than it had. */
export interface Revision {
  readonly meterId: string;
  readonly intervalStart: Date;
  readonly previous: Figures;
  readonly next: Figures;
  readonly outcome: RevisionOutcome;
}

/** A line that is not taken. */
export interface RefusedLine {
  readonly line: number;
  readonly refusal: Refusal;
}

/** What to write for a batch of readings, and what to answer. */
export interface BatchOutcome<Meter extends MeterFacts> {
  /** Intervals that had no reading, with the last figures that the batch gives them. */
  readonly fresh: readonly MeteredReading<Meter>[];
  /** Intervals whose reading is replaced, with the last figures that the batch gives them. */
  readonly replaced: readonly MeteredReading<Meter>[];
  readonly revisions: readonly Revision[];
  /** Interval lengths of meters that had no reading before. */
  readonly lengths: ReadonlyMap<string, number>;
  readonly refusals: readonly RefusedLine[];
  readonly accepted: number;
  readonly duplicates: number;
  readonly revised: number;
}

/** Names an interval of a meter. */
export const intervalKey = (meterId: string, intervalStart: Date): string =>
  `${meterId} ${intervalStart.getTime()}`;

/**
 * Decides on readings one after the other, as if each were written before the next is looked at, without
 * writing any: so that a whole batch is one statement of each kind.
 * @param meters by serial, those that whoever sent the readings may post for
 * @param held by intervalKey, what is kept of the intervals in question
 */
export function judgeBatch<Meter extends MeterFacts>(
  entries: Iterable<{ line: number; reading: Reading }>,
  meters: ReadonlyMap<string, Meter>,
  held: ReadonlyMap<string, HeldReading>,
): BatchOutcome<Meter> {
  const batch = new Batch(meters, held);
  for (const { line, reading } of entries) batch.take(line, reading);
  return batch.outcome();
}

class Batch<Meter extends MeterFacts> {
  private readonly fresh = new Map<string, MeteredReading<Meter>>();
  private readonly replaced = new Map<string, MeteredReading<Meter>>();
  private readonly revisions: Revision[] = [];
  private readonly lengths = new Map<string, number>();
  private readonly refusals: RefusedLine[] = [];
  private accepted = 0;
  private duplicates = 0;
  private revised = 0;

  constructor(
    private readonly meters: ReadonlyMap<string, Meter>,
    private readonly held: ReadonlyMap<string, HeldReading>,
  ) {}

  take(line: number, reading: Reading): void {
    const meter = this.meters.get(reading.meterSerial);
    const refusal = meter === undefined ? unknownMeter(reading) : this.refusalBy(meter, reading);
    if (meter === undefined || refusal !== undefined) {
      this.refusals.push({ line, refusal: refusal as Refusal });
      return;
    }
    const key = intervalKey(meter.id, reading.intervalStart);
    const before = (this.fresh.get(key) ?? this.replaced.get(key))?.reading ?? this.held.get(key);
    if (before === undefined) this.accept(key, meter, reading);
    else this.compare(line, key, before, { meter, reading });
  }

  outcome(): BatchOutcome<Meter> {
    const { revisions, lengths, refusals, accepted, duplicates, revised } = this;
    const fresh = [...this.fresh.values()];
    const replaced = [...this.replaced.values()];
    return { fresh, replaced, revisions, lengths, refusals, accepted, duplicates, revised };
  }

  private refusalBy(meter: Meter, reading: Reading): Refusal | undefined {
    const intervalMinutes = meter.intervalMinutes ?? this.lengths.get(meter.id) ?? null;
    return refusalByMeter(reading, { ...meter, intervalMinutes });
  }

  private accept(key: string, meter: Meter, reading: Reading): void {
    this.fresh.set(key, { meter, reading });
    if (meter.intervalMinutes === null) this.lengths.set(meter.id, reading.intervalMinutes);
    this.accepted++;
  }

  private compare(line: number, key: string, before: Figures, metered: MeteredReading<Meter>): void {
    const { meter, reading } = metered;
    const closed = closedBy(this.held.get(key));
    if (saysTheSame(before, reading, closed !== undefined)) {
      this.duplicates++;
      return;
    }
    const { intervalStart } = reading;
    const outcome = closed === undefined ? 'replaced' : 'refused';
    this.revisions.push({ meterId: meter.id, intervalStart, previous: before, next: reading, outcome });
    if (closed !== undefined) {
      this.refusals.push({ line, refusal: closed });
      return;
    }
    (this.fresh.has(key) ? this.fresh : this.replaced).set(key, metered);
    this.revised++;
  }
}

/**
 * Figures decide. A measurement that only confirms an estimate is worth replacing it, but not once the
 * interval is closed: then nothing would change.
 */
function saysTheSame(before: Figures, now: Figures, closed: boolean): boolean {
  const sameFigures = before.generatedWh === now.generatedWh && before.consumedWh === now.consumedWh;
  return sameFigures && (closed || before.quality === now.quality);
}

/** Why the figures of an interval stand, where they do. */
function closedBy(held: HeldReading | undefined): Refusal | undefined {
  if (held?.minted) {
    return new Refusal(
      'ALREADY_MINTED',
      'The interval is minted, its figures stand; the difference is kept for reconciliation',
    );
  }
  if (held?.certified) {
    return new Refusal(
      'ALREADY_CERTIFIED',
      'The interval is certified, its figures stand; the difference is kept for reconciliation',
    );
  }
  return undefined;
}

/** Somebody else's meter gets the same answer as one that does not exist. */
function unknownMeter({ meterSerial }: Reading): Refusal {
  return new Refusal('UNKNOWN_METER', `There is no meter ${meterSerial.slice(0, 64)}, or it is not yours`);
}
