import type { Role } from '../auth/principal';
import { newId } from '../common/id';
import { violatedConstraint } from '../database/query-events';
import type { Transaction } from '../database/transaction';
import { EmailTaken, UsernameTaken } from './users.errors';
import { USER_COLUMNS, type UserRow } from './user-view';

export interface NewUser {
  readonly email: string;
  readonly username: string;
  readonly passwordHash: string;
  readonly role: Role;
  readonly emailVerified: boolean;
}

/**
 * Writes a new user.
 * @throws EmailTaken, UsernameTaken: both are unique without case
 */
export async function insertUser(tx: Transaction, user: NewUser): Promise<UserRow> {
  const values = [newId(), user.email, user.username, user.passwordHash, user.role, user.emailVerified];
  const rows = await orTaken(
    tx.query<UserRow>(
      `INSERT INTO users (id, email, username, password_hash, role, email_verified)
       VALUES ($1, $2, $3, $4, $5::user_role, $6) RETURNING ${USER_COLUMNS}`,
      values,
    ),
  );
  return rows[0] as UserRow;
}

/** Names the collision when a statement would give an e-mail address or username to two users. */
export async function orTaken<Result>(statement: Promise<Result>): Promise<Result> {
  try {
    return await statement;
  } catch (error) {
    const constraint = violatedConstraint(error);
    if (constraint === 'idx_users_email') throw new EmailTaken();
    if (constraint === 'idx_users_username') throw new UsernameTaken();
    throw error;
  }
}
