import { Entity, PrimaryColumn } from 'typeorm';
import { InstantColumn } from '../../database/columns';
import { StatementFigures } from './statement-figures';

/** An entry of pg_stat_statements as it stood when it last changed: differences are taken to it. */
@Entity('statement_counters')
export class StatementCounters extends StatementFigures {
  @PrimaryColumn('bigint')
  queryId: string;

  /** Who ran it, by the oid of the role. */
  @PrimaryColumn('bigint')
  roleId: string;

  /** Not from inside a function. */
  @PrimaryColumn('boolean')
  topLevel: boolean;

  @InstantColumn()
  readAt: Date;
}
