import type { IntakeView } from './meter-views';
import type { BatchOutcome, RefusedLine } from './reading-batch';
import type { MeterFacts } from './reading-rules';

const ERRORS_SHOWN = 100;

/** Adds up what became of an upload; it never grows, however long the upload is. */
export class IntakeReport {
  private accepted = 0;
  private duplicates = 0;
  private revised = 0;
  private rejected = 0;
  private readonly errors: IntakeView['errors'][number][] = [];

  /** @param refusals all of the batch, in any order; batches come in the order of their lines */
  add(outcome: BatchOutcome<MeterFacts>, refusals: readonly RefusedLine[]): void {
    this.accepted += outcome.accepted;
    this.duplicates += outcome.duplicates;
    this.revised += outcome.revised;
    this.rejected += refusals.length;
    const room = ERRORS_SHOWN - this.errors.length;
    if (room === 0) return;
    const byLine = [...refusals].sort((one, other) => one.line - other.line);
    for (const { line, refusal } of byLine.slice(0, room)) {
      this.errors.push({ line, code: refusal.code, detail: refusal.detail });
    }
  }

  view(): IntakeView {
    const { accepted, duplicates, revised, rejected, errors } = this;
    return { accepted, duplicates, revised, rejected, errors: [...errors] };
  }
}
