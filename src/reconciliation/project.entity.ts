import { Column, Entity, ForeignKey, Index } from 'typeorm';
import { CreatedAt, IdColumn, UpdatedAt } from '../database/columns';

/** What belongs together when two sides of some books are compared: data sets, rules and their runs. */
@Entity('projects')
@Index('projects_of_organization', ['organizationId', 'id'])
export class Project {
  @IdColumn()
  id: string;

  /** Null for a project of the platform itself. */
  @Column('uuid', { nullable: true })
  @ForeignKey('organizations')
  organizationId: string | null;

  @Column('text')
  name: string;

  /** An archived project is kept to be read; nothing new is run in it. */
  @Column('boolean', { default: false })
  archived: boolean;

  @CreatedAt()
  createdAt: Date;

  @UpdatedAt()
  updatedAt: Date;
}
