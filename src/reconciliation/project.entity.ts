import { Column, Entity, ForeignKey } from 'typeorm';
import { CreatedAt, IdColumn, UpdatedAt } from '../database/columns';
import { PerformanceIndex } from '../database/indexes/performance-index';

/** What belongs together when two sides of some books are compared: data sets, rules and their runs. */
@Entity('projects')
@PerformanceIndex('projects_of_organization', {
  on: ['organizationId', 'id'],
  serves: "an organisation's projects, newest first",
  query: `SELECT id, name, archived
    FROM projects
    WHERE organization_id = :organization_id
    ORDER BY id DESC LIMIT 50`,
})
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
