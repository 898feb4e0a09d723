import { Column, Entity, ForeignKey, PrimaryColumn, Unique } from 'typeorm';
import { CreatedAt, IdColumn, InstantColumn, UpdatedAt } from '../database/columns';
import { PerformanceIndex } from '../database/indexes/performance-index';

/**
 * One log-in on one device: a family of refresh tokens of which only the newest is good. A session that ended
 * has no row. `updated_at` is its last refresh.
 */
@Entity('sessions')
@PerformanceIndex('sessions_of_user', {
  on: ['userId', 'id'],
  serves: "a user's sessions, newest first",
  query: `SELECT id, user_agent, created_at, updated_at
    FROM sessions
    WHERE user_id = :user_id
    ORDER BY id DESC LIMIT 50`,
})
@PerformanceIndex('sessions_expiry', {
  on: ['expiresAt'],
  serves: 'sessions that are over',
  query: `SELECT id
    FROM sessions
    WHERE expires_at < :expires_at::timestamptz
    ORDER BY expires_at LIMIT 1000`,
})
@Unique(['refreshTokenHash'])
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
@PerformanceIndex('spent_refresh_tokens_of_session', {
  on: ['sessionId'],
  serves: 'the spent tokens of a session, when it ends',
  query: 'SELECT token_hash FROM spent_refresh_tokens WHERE session_id = :session_id',
})
export class SpentRefreshToken {
  @PrimaryColumn('bytea')
  tokenHash: Buffer;

  @Column('uuid')
  @ForeignKey('sessions', { onDelete: 'CASCADE' })
  sessionId: string;

  @CreatedAt()
  createdAt: Date;
}
