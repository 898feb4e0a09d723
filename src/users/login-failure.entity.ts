import { Check, Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { CreatedAt, InstantColumn, UpdatedAt } from '../database/columns';

/** Wrong passwords in a row for one name, whether or not there is a user of that name. */
@Entity('login_failures')
@Index('login_failures_expiry', ['expiresAt'])
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
