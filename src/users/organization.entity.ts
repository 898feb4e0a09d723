import { Column, Entity, Index } from 'typeorm';
import { CreatedAt, IdColumn, UpdatedAt } from '../database/columns';

/** A company, cooperative or municipality that users belong to. `organizations_name`: unique (lower(name)). */
@Entity('organizations')
@Index('organizations_name', { synchronize: false })
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
