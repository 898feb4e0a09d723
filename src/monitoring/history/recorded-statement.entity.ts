import { Column, Entity, PrimaryColumn } from 'typeorm';
import { InstantColumn } from '../../database/columns';

/** The text of a statement without any value: it is known here even when PostgreSQL has forgotten it. */
@Entity('recorded_statements')
export class RecordedStatement {
  @PrimaryColumn('bigint')
  queryId: string;

  @Column('text')
  statement: string;

  @InstantColumn()
  firstSeenAt: Date;
}
