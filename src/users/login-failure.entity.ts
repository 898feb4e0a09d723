import { Check, Column, Entity, PrimaryColumn } from 'typeorm';
import { CreatedAt, InstantColumn, UpdatedAt } from '../database/columns';
import { PerformanceIndex } from '../database/indexes/performance-index';

/** Wrong passwords in a row for one name, whether or not there is a user of that name. */
@Entity('login_failures')
@PerformanceIndex('login_failures_expiry', {
  on: ['expiresAt'],
  serves: 'failures that are forgotten',
  query: `SELECT identifier_hash
    FROM login_failures
    WHERE expires_at < :expires_at::timestamptz
    ORDER BY expires_at LIMIT 1000`,
})
@Check('login_failures_at_least_one', 'failures > 0')
export class LoginFailure {
  /** SHA-256 of the name that was tried, in lower case: the table names nobody. See `loginKey`. */
  @PrimaryColumn('bytea')
  identifierHash: Buffer;

  @Column('integer')
  failures: number;

  /** When the failures are forgotten, and a lock-out ends. */
  @InstantColumn()
  expiresAt: Date;

  @CreatedAt()
  createdAt: Date;

  @UpdatedAt()
  updatedAt: Date;
}
