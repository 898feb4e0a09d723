import { Column, Entity, PrimaryColumn } from 'typeorm';

/**
 * An index, or its part on a partition, as PostgreSQL has counted it: all of them at the first snapshot of a day (UTC),
 * afterwards those that changed. Partitioned by day of takenAt.
 */
@Entity('index_snapshots')
export class IndexSnapshot {
  @PrimaryColumn('text')
  indexName: string;

  @PrimaryColumn({ type: 'timestamptz', precision: 3 })
  takenAt: Date;

  /** The index that a part belongs to; its own name for others. */
  @Column('text')
  wholeName: string;

  @Column('bigint')
  scans: string;

  @Column('bigint')
  entriesRead: string;

  @Column('bigint')
  bytes: string;
}
