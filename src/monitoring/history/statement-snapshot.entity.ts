import { Entity, PrimaryColumn } from 'typeorm';
import { StatementFigures } from './statement-figures';

/**
 * What a statement has cost since the snapshot before this one; no row where it was not run. Partitioned by day of
 * takenAt.
 */
@Entity('statement_snapshots')
export class StatementSnapshot extends StatementFigures {
  /** pg_stat_statements' identifier of the form of the statement. */
  @PrimaryColumn('bigint')
  queryId: string;

  @PrimaryColumn({ type: 'timestamptz', precision: 3 })
  takenAt: Date;
}
