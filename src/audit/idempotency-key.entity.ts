import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { CreatedAt } from '../database/columns';

/** The first answer to a request that carried an Idempotency-Key; kept for 24 hours. */
@Entity('idempotency_keys')
@Index('idempotency_keys_age', ['createdAt'])
export class IdempotencyKey {
  @PrimaryColumn('uuid')
  @ForeignKey('users')
  userId: string;

  @PrimaryColumn('text')
  key: string;

  /** SHA-256 of method, path and body: the same key for another request is refused. */
  @Column('text')
  requestHash: string;

  @Column('jsonb', { nullable: true })
  answer: unknown;

  @CreatedAt()
  createdAt: Date;
}
