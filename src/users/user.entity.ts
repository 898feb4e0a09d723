import { Check, Column, Entity, ForeignKey } from 'typeorm';
import { ROLES, type Role } from '../auth/principal';
import { CreatedAt, IdColumn, InstantColumn, UpdatedAt } from '../database/columns';
import { PerformanceIndex } from '../database/indexes/performance-index';

const RUNS_THE_MARKET = `role IN ('admin', 'operator', 'auditor')`;

/**
 * Somebody who acts in the market, or runs it. A closed account keeps its row, without anything personal in
 * it, because the books refer to it.
 */
@Entity('users')
@PerformanceIndex('idx_users_wallet_address', {
  on: ['walletAddress'],
  unique: true,
  where: 'wallet_address IS NOT NULL',
  serves: 'log-in by wallet: whose wallet is this',
  query: `SELECT id, email, username, role, is_active
    FROM users
    WHERE wallet_address = :wallet_address`,
})
@PerformanceIndex('idx_users_email', {
  on: [{ sql: 'lower(email)' }],
  unique: true,
  serves: 'log-in by e-mail, without regard to case',
  query: `SELECT id, password_hash, role, is_active
    FROM users
    WHERE lower(email) = lower(:email)`,
})
@PerformanceIndex('idx_users_username', {
  on: [{ sql: 'lower(username)' }],
  unique: true,
  serves: 'log-in by username, without regard to case',
  query: `SELECT id, password_hash, role, is_active
    FROM users
    WHERE lower(username) = lower(:username)`,
})
@PerformanceIndex('idx_users_role', {
  on: ['role', 'id'],
  include: ['email', 'username'],
  where: 'is_active',
  serves: 'the active users of one role, without a look into the table: who runs the market',
  query: `SELECT id, email, username
    FROM users
    WHERE role = :role AND is_active
    ORDER BY id LIMIT 50`,
  sample: RUNS_THE_MARKET,
})
@PerformanceIndex('idx_users_email_verified', {
  on: ['createdAt', 'id'],
  where: 'NOT email_verified AND closed_at IS NULL',
  serves: 'accounts whose e-mail is not verified, newest first',
  query: `SELECT id, email, username, role, created_at
    FROM users
    WHERE NOT email_verified AND closed_at IS NULL
    ORDER BY created_at DESC, id DESC LIMIT 50`,
})
@PerformanceIndex('idx_users_role_created', {
  on: ['role', 'createdAt', 'id'],
  serves: 'all users of one role, newest first',
  query: `SELECT id, email, username, role, created_at
    FROM users
    WHERE role = :role
    ORDER BY created_at DESC, id DESC LIMIT 50`,
  sample: RUNS_THE_MARKET,
})
@PerformanceIndex('idx_users_org_id', {
  on: ['organizationId', 'id'],
  where: 'organization_id IS NOT NULL',
  serves: 'the members of an organisation',
  query: `SELECT id, email, username, role
    FROM users
    WHERE organization_id = :organization_id
    ORDER BY id LIMIT 50`,
})
@PerformanceIndex('users_newest', {
  on: ['createdAt', 'id'],
  serves: 'all users, newest first',
  query: `SELECT id, email, username, role, created_at
    FROM users
    ORDER BY created_at DESC, id DESC LIMIT 50`,
})
// The space in front lets a search for the beginning of a word find the first word too.
@PerformanceIndex('users_search', {
  on: [
    {
      sql: `lower(' ' || email || ' ' || username || ' ' || coalesce(first_name, '') || ' ' || coalesce(last_name, ''))`,
      operatorClass: 'gin_trgm_ops',
    },
  ],
  using: 'gin',
  serves: 'whoever has a word in address, username or name that begins so',
  query: `SELECT id, email, username
    FROM users
    WHERE lower(' ' || email || ' ' || username || ' ' || coalesce(first_name, '') || ' ' || coalesce(last_name, '')) LIKE '% ' || :username || '%'
    ORDER BY created_at DESC, id DESC LIMIT 50`,
  plannedForValues: true,
})
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
