import type { Client } from 'pg';
import { newId } from '../common/id';
import { generatedPassword, hashPassword } from './passwords';
import { keysOf } from './secrets';

/** Whose access is restored, and with which password; both may be left to us. */
export interface AdminReset {
  readonly email?: string | undefined;
  readonly password?: string | undefined;
}

/** Access was not restored; the message is one sentence for whoever asked. */
export class AdminNotReset extends Error {}

interface Admin {
  id: string;
  email: string;
  username: string;
}

const NO_ADMIN_YET = 'There is no administrator yet: the first start of the server makes one';
const LEAST_PASSWORD = 10;
const MOST_PASSWORD = 128;

/**
 * Restores access for an administrator who is locked out: sets a password, activates the account, ends its
 * sessions and lock-outs.
 * @param owner a connection as the owner of the database, outside any transaction
 * @param reset without an e-mail address the active administrator who was first is meant, or the first of all
 * @param ended told whose sessions have ended, once it is committed, to drop them where servers keep them
 * @throws AdminNotReset when there is no such administrator, or the password is too short
 */
export async function resetAdmin(
  owner: Client,
  { email, password = generatedPassword() }: AdminReset,
  ended: (userId: string) => Promise<void> = () => Promise.resolve(),
): Promise<{ email: string; username: string; password: string }> {
  if (password.length < LEAST_PASSWORD || password.length > MOST_PASSWORD) {
    throw new AdminNotReset(`The password must have ${LEAST_PASSWORD} to ${MOST_PASSWORD} characters`);
  }
  const passwordHash = await hashPassword(password);
  await requireSchema(owner);
  await owner.query(`SELECT ensure_month_partition('audit_logs', (now() AT TIME ZONE 'UTC')::date)`);
  const admin = await restoreFound(owner, email, passwordHash);
  await ended(admin.id);
  return { email: admin.email, username: admin.username, password };
}

async function restoreFound(owner: Client, email: string | undefined, passwordHash: string): Promise<Admin> {
  await owner.query('BEGIN');
  try {
    const admin = await find(owner, email);
    await restore(owner, admin, passwordHash);
    await owner.query('COMMIT');
    return admin;
  } catch (error) {
    await owner.query('ROLLBACK');
    throw error;
  }
}

async function requireSchema(owner: Client): Promise<void> {
  const { rows } = await owner.query<{ exists: boolean }>(
    `SELECT to_regclass('users') IS NOT NULL AS exists`,
  );
  if (rows[0]?.exists !== true) throw new AdminNotReset(NO_ADMIN_YET);
}

async function find(owner: Client, email: string | undefined): Promise<Admin> {
  const { rows } = await owner.query<Admin>(
    `SELECT id, email, username FROM users
      WHERE role = 'admin' AND closed_at IS NULL AND ($1::text IS NULL OR lower(email) = lower($1))
      ORDER BY is_active DESC, created_at, id LIMIT 1 FOR UPDATE`,
    [email ?? null],
  );
  if (rows[0] !== undefined) return rows[0];
  throw new AdminNotReset(
    email === undefined
      ? NO_ADMIN_YET
      : `${email} is no administrator: leave the address out to reset the first one`,
  );
}

async function restore(owner: Client, admin: Admin, passwordHash: string): Promise<void> {
  const { id } = admin;
  await owner.query(
    'UPDATE users SET password_hash = $2, is_active = true, updated_at = now() WHERE id = $1',
    [id, passwordHash],
  );
  await owner.query('DELETE FROM sessions WHERE user_id = $1', [id]);
  await owner.query('DELETE FROM user_tokens WHERE user_id = $1', [id]);
  await owner.query('DELETE FROM login_failures WHERE identifier_hash = ANY($1::bytea[])', [keysOf(admin)]);
  await owner.query(
    `INSERT INTO audit_logs (id, action, entity, entity_id, after, created_at)
     VALUES ($1, 'user.access_restored', 'users', $2, '{"by": "npm run admin:reset"}', now())`,
    [newId(), id],
  );
}
