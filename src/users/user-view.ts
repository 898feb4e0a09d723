import type { Role } from '../auth/principal';

/** A row of `users` as statements read it: all but the password. */
export interface UserRow {
  readonly id: string;
  readonly email: string;
  readonly username: string;
  readonly role: Role;
  readonly organization_id: string | null;
  readonly first_name: string | null;
  readonly last_name: string | null;
  readonly wallet_address: string | null;
  readonly email_verified: boolean;
  readonly is_active: boolean;
  readonly closed_at: Date | null;
  readonly created_at: Date;
}

/** The columns of {@link UserRow}. */
export const USER_COLUMNS =
  'id, email, username, role, organization_id, first_name, last_name, wallet_address, email_verified, is_active, closed_at, created_at';

/** A user as the API shows it, in plain JSON so that it can be kept. */
export interface UserView {
  readonly id: string;
  readonly email: string;
  readonly username: string;
  readonly role: Role;
  readonly organizationId: string | null;
  readonly firstName: string | null;
  readonly lastName: string | null;
  readonly walletAddress: string | null;
  readonly emailVerified: boolean;
  readonly isActive: boolean;
  readonly closedAt: string | null;
  readonly createdAt: string;
}

export function userView(row: UserRow): UserView {
  return {
    id: row.id,
    email: row.email,
    username: row.username,
    role: row.role,
    organizationId: row.organization_id,
    firstName: row.first_name,
    lastName: row.last_name,
    walletAddress: row.wallet_address,
    emailVerified: row.email_verified,
    isActive: row.is_active,
    closedAt: row.closed_at?.toISOString() ?? null,
    createdAt: row.created_at.toISOString(),
  };
}
