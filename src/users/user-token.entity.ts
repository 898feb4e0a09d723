import { Column, Entity, ForeignKey, Index, PrimaryColumn, Unique } from 'typeorm';
import { CreatedAt, InstantColumn } from '../database/columns';

export const USER_TOKEN_KINDS = ['email_verification', 'password_reset'] as const;
export type UserTokenKind = (typeof USER_TOKEN_KINDS)[number];

/** A secret that was mailed to a user, good once: at most one per user and kind, the newest. */
@Entity('user_tokens')
@Unique(['tokenHash'])
@Index('user_tokens_expiry', ['expiresAt'])
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
