import { Column, Entity, ForeignKey, PrimaryColumn, Unique } from 'typeorm';
import { CreatedAt, InstantColumn } from '../database/columns';
import { PerformanceIndex } from '../database/indexes/performance-index';

export const USER_TOKEN_KINDS = ['email_verification', 'password_reset'] as const;
export type UserTokenKind = (typeof USER_TOKEN_KINDS)[number];

/** A secret that was mailed to a user, good once: at most one per user and kind, the newest. */
@Entity('user_tokens')
@PerformanceIndex('user_tokens_expiry', {
  on: ['expiresAt'],
  serves: 'tokens that are over',
  query: `SELECT user_id, kind
    FROM user_tokens
    WHERE expires_at < :expires_at::timestamptz
    ORDER BY expires_at LIMIT 1000`,
})
@Unique(['tokenHash'])
export class UserToken {
  @PrimaryColumn('uuid')
  @ForeignKey('users')
  userId: string;

  @PrimaryColumn({ type: 'enum', enum: USER_TOKEN_KINDS, enumName: 'user_token_kind' })
  kind: UserTokenKind;

  /** SHA-256 of the token. */
  @Column('bytea')
  tokenHash: Buffer;

  /** The address that the token was sent to: it proves nothing about another one. */
  @Column('text')
  email: string;

  @InstantColumn()
  expiresAt: Date;

  @CreatedAt()
  createdAt: Date;
}
