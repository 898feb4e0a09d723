import { Column, Entity, ForeignKey, Index, PrimaryColumn, Unique } from 'typeorm';
import { CreatedAt, IdColumn, InstantColumn, UpdatedAt } from '../database/columns';

/**
 * One log-in on one device: a family of refresh tokens of which only the newest is good. A session that ended
 * has no row. `updated_at` is its last refresh.
 */
@Entity('sessions')
@Unique(['refreshTokenHash'])
@Index('sessions_of_user', ['userId', 'id'])
@Index('sessions_expiry', ['expiresAt'])
export class Session {
  @IdColumn()
  id: string;

  @Column('uuid')
  @ForeignKey('users')
  userId: string;

  /** SHA-256 of the newest refresh token. */
  @Column('bytea')
  refreshTokenHash: Buffer;

  @Column('text', { nullable: true })
  userAgent: string | null;

  @InstantColumn()
  expiresAt: Date;

  @CreatedAt()
  createdAt: Date;

  @UpdatedAt()
  updatedAt: Date;
}

/** A refresh token that was exchanged for a newer one: whoever shows it again stole it, or was robbed. */
@Entity('spent_refresh_tokens')
@Index('spent_refresh_tokens_of_session', ['sessionId'])
export class SpentRefreshToken {
  @PrimaryColumn('bytea')
  tokenHash: Buffer;

  @Column('uuid')
  @ForeignKey('sessions', { onDelete: 'CASCADE' })
  sessionId: string;

  @CreatedAt()
  createdAt: Date;
}
