import { Column, Entity } from 'typeorm';
import { CreatedAt, IdColumn, UpdatedAt } from '../database/columns';
import { PerformanceIndex } from '../database/indexes/performance-index';

/** A company, cooperative or municipality that users belong to. */
@Entity('organizations')
@PerformanceIndex('organizations_name', {
  on: [{ sql: 'lower(name)' }],
  unique: true,
  serves: 'whether a name is taken, without regard to case',
  query: 'SELECT id FROM organizations WHERE lower(name) = lower(:name)',
})
export class Organization {
  @IdColumn()
  id: string;

  @Column('text')
  name: string;

  @CreatedAt()
  createdAt: Date;

  @UpdatedAt()
  updatedAt: Date;
}
