import { Check, Column, Entity, ForeignKey, Index } from 'typeorm';
import { ROLES, type Role } from '../auth/principal';
import { CreatedAt, IdColumn, InstantColumn, UpdatedAt } from '../database/columns';

/**
 * Somebody who acts in the market, or runs it. A closed account keeps its row, without anything personal in
 * it, because the books refer to it.
 *
 * In forms that a decorator cannot express, see the migration: `idx_users_email` unique (lower(email)) and
 * `idx_users_username` unique (lower(username)) for log-in without case; `users_search`, trigrams over all that
 * an administrator may look somebody up by.
 */
@Entity('users')
@Index('idx_users_wallet_address', ['walletAddress'], { unique: true, where: 'wallet_address IS NOT NULL' })
@Index('idx_users_email', { synchronize: false })
@Index('idx_users_username', { synchronize: false })
@Index('idx_users_role', ['role', 'id'], { where: 'is_active' })
@Index('idx_users_email_verified', ['createdAt', 'id'], { where: 'NOT email_verified AND closed_at IS NULL' })
@Index('idx_users_role_created', ['role', 'createdAt', 'id'])
@Index('idx_users_org_id', ['organizationId', 'id'], { where: 'organization_id IS NOT NULL' })
@Index('users_newest', ['createdAt', 'id'])
@Index('users_search', { synchronize: false })
@Check('users_wallet_address_base58', `wallet_address ~ '^[1-9A-HJ-NP-Za-km-z]{32,44}$'`)
@Check('users_closed_is_inactive', 'closed_at IS NULL OR NOT is_active')
export class User {
  @IdColumn()
  id: string;

  @Column('text')
  email: string;

  @Column('text')
  username: string;

  /** argon2id in PHC form; of a closed account a word that no password verifies against. */
  @Column('text')
  passwordHash: string;

  @Column({ type: 'enum', enum: ROLES, enumName: 'user_role' })
  role: Role;

  @Column('uuid', { nullable: true })
  @ForeignKey('organizations')
  organizationId: string | null;

  @Column('text', { nullable: true })
  firstName: string | null;

  @Column('text', { nullable: true })
  lastName: string | null;

  /** Ed25519 public key, base58; its owner proved to have the private one. */
  @Column('text', { nullable: true })
  walletAddress: string | null;

  @Column('boolean', { default: false })
  emailVerified: boolean;

  /** False ends every token of the user at once. */
  @Column('boolean', { default: true })
  isActive: boolean;

  /** When the owner closed the account for good. */
  @InstantColumn({ nullable: true })
  closedAt: Date | null;

  @CreatedAt()
  createdAt: Date;

  @UpdatedAt()
  updatedAt: Date;
}
