import { Column, Entity, PrimaryColumn } from 'typeorm';

/**
 * A table or partition as PostgreSQL has counted it: all of them at the first snapshot of a day (UTC), afterwards those
 * that changed. Partitioned by day of takenAt.
 */
@Entity('table_snapshots')
export class TableSnapshot {
  @PrimaryColumn('text')
  tableName: string;

  @PrimaryColumn({ type: 'timestamptz', precision: 3 })
  takenAt: Date;

  /** The table that a partition belongs to; its own name for others. */
  @Column('text')
  wholeName: string;

  @Column('bigint')
  tableBytes: string;

  @Column('bigint')
  indexBytes: string;

  @Column('bigint')
  toastBytes: string;

  @Column('bigint')
  liveRows: string;

  @Column('bigint')
  deadRows: string;

  @Column('bigint')
  seqScans: string;

  @Column('bigint')
  seqRows: string;

  @Column('bigint')
  indexScans: string;

  @Column('bigint')
  indexRows: string;

  @Column('bigint')
  inserted: string;

  @Column('bigint')
  updated: string;

  @Column('bigint')
  hotUpdated: string;

  @Column('bigint')
  deleted: string;
}
