import { Check, Column, Entity, ForeignKey, Unique } from 'typeorm';
import { CreatedAt, IdColumn } from '../database/columns';
import { Project } from './project.entity';

/**
 * How the two sides of a project are compared. A rule is never changed: a new version takes its place, and
 * what ran by an older one can still be explained.
 */
@Entity('reconciliation_rules')
@Unique(['projectId', 'name', 'version'])
@Check('reconciliation_rules_version', 'version > 0')
export class ReconciliationRule {
  @IdColumn()
  id: string;

  @Column('uuid')
  @ForeignKey(() => Project)
  projectId: string;

  @Column('text')
  name: string;

  @Column('integer')
  version: number;

  @Column('jsonb')
  definition: Record<string, unknown>;

  @CreatedAt()
  createdAt: Date;
}
