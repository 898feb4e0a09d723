import { Check, Column, Entity, PrimaryColumn } from 'typeorm';

/** `load-test`: of a whole server over HTTP; `benchmark`: of queries or of the cache by themselves. */
export type EvidenceKind = 'load-test' | 'benchmark';

/**
 * What a load test or a benchmark has shown. Its key answers the one question that is asked of it, the latest of a kind, so
 * it needs no other index. Commands write it as the owner; the application's role may only read it.
 */
@Entity('performance_evidence')
@Check('performance_evidence_kind', `kind IN ('load-test', 'benchmark')`)
export class PerformanceEvidence {
  @PrimaryColumn('text')
  kind: EvidenceKind;

  @PrimaryColumn({ type: 'timestamptz', precision: 3 })
  takenAt: Date;

  /** The command that measured: `bench:http`. */
  @PrimaryColumn('text')
  source: string;

  /** The version that was measured. */
  @Column('text')
  release: string;

  /** What came out of it, and `missed`: a sentence for each promise that was not kept. */
  @Column('jsonb')
  result: Record<string, unknown>;
}
