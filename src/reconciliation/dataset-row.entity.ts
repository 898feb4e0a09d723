import { Check, Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';
import { CreatedAt } from '../database/columns';
import { Dataset } from './dataset.entity';

/** One row of a data set as it was uploaded; it is never changed. */
@Entity('dataset_rows')
@Check('dataset_rows_line', 'line > 0')
export class DatasetRow {
  @PrimaryColumn('uuid')
  @ForeignKey(() => Dataset)
  datasetId: string;

  /** The line of the upload, counted from 1, so that a break can be found in the file again. */
  @PrimaryColumn('integer')
  line: number;

  /** The columns of the row by their names. */
  @Column('jsonb')
  data: Record<string, unknown>;

  @CreatedAt()
  createdAt: Date;
}
