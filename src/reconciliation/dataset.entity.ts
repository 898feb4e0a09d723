import { Check, Column, Entity, ForeignKey, Unique } from 'typeorm';
import { CreatedAt, IdColumn, UpdatedAt } from '../database/columns';
import { Project } from './project.entity';

export const DATASET_SIDES = ['left', 'right'] as const;
export type DatasetSide = (typeof DATASET_SIDES)[number];

/** One side of a comparison: the rows of one upload. */
@Entity('datasets')
@Unique(['projectId', 'name'])
@Check('datasets_row_count', 'row_count >= 0')
export class Dataset {
  @IdColumn()
  id: string;

  @Column('uuid')
  @ForeignKey(() => Project)
  projectId: string;

  @Column('text')
  name: string;

  @Column({ type: 'enum', enum: DATASET_SIDES, enumName: 'dataset_side' })
  side: DatasetSide;

  @Column('integer', { default: 0 })
  rowCount: number;

  @CreatedAt()
  createdAt: Date;

  @UpdatedAt()
  updatedAt: Date;
}
