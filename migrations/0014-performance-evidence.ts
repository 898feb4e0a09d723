import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What load tests and benchmarks have shown, for the performance checklist. */
export class PerformanceEvidence1795305600014 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE performance_evidence (
        kind text NOT NULL,
        taken_at timestamptz(3) NOT NULL,
        source text NOT NULL,
        release text NOT NULL,
        result jsonb NOT NULL,
        CONSTRAINT performance_evidence_pkey PRIMARY KEY (kind, taken_at, source),
        CONSTRAINT performance_evidence_kind CHECK (kind IN ('load-test', 'benchmark'))
      )`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE performance_evidence');
  }
}
