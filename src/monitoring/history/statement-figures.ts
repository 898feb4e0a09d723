import { Column } from 'typeorm';

/** What is counted of a statement; times in ms. Columns of what it has been counted in all, and of what came since. */
export abstract class StatementFigures {
  @Column('bigint')
  calls: string;

  @Column('double precision')
  totalMs: number;

  /** The sum of the squares of all times, in ms². */
  @Column('double precision')
  squaresMs: number;

  @Column('bigint')
  rows: string;

  /** Blocks, as the four below. */
  @Column('bigint')
  sharedHit: string;

  @Column('bigint')
  sharedRead: string;

  @Column('bigint')
  sharedDirtied: string;

  @Column('bigint')
  tempRead: string;

  @Column('bigint')
  tempWritten: string;

  @Column('double precision')
  readMs: number;

  @Column('double precision')
  writeMs: number;
}
