import { Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';
import { CreatedAt } from '../database/columns';
import { PerformanceIndex } from '../database/indexes/performance-index';

/** The first answer to a request that carried an Idempotency-Key; kept for 24 hours. */
@Entity('idempotency_keys')
@PerformanceIndex('idempotency_keys_age', {
  on: ['createdAt'],
  serves: 'keys that are forgotten',
  query: `SELECT user_id, key
    FROM idempotency_keys
    WHERE created_at < now() - interval '24 hours'`,
})
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
