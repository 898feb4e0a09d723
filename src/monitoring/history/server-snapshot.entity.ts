import { Column, Entity, PrimaryColumn } from 'typeorm';

/** The server and this database at one time; there is one for every snapshot. Partitioned by day of takenAt. */
@Entity('server_snapshots')
export class ServerSnapshot {
  @PrimaryColumn({ type: 'timestamptz', precision: 3 })
  takenAt: Date;

  /** Connections of clients to the whole server, as the four below. */
  @Column('integer')
  active: number;

  @Column('integer')
  idle: number;

  @Column('integer')
  idleInTransaction: number;

  /** Of the active ones, and of those whose state is hidden. */
  @Column('integer')
  waitingForLock: number;

  /** In no other number: PostgreSQL shows their state only to who has pg_read_all_stats. */
  @Column('integer', { default: 0 })
  hidden: number;

  /** Blocks found in PostgreSQL's memory, counted in this database. */
  @Column('bigint')
  blocksHit: string;

  @Column('bigint')
  blocksRead: string;

  @Column('bigint')
  commits: string;

  @Column('bigint')
  rollbacks: string;

  @Column('bigint')
  databaseBytes: string;

  /** Bytes of WAL written since the cluster was made. */
  @Column('bigint')
  walPosition: string;
}
