import type { Transaction } from '../database/transaction';
import { LastAdmin } from './users.errors';

/**
 * Before an administrator is demoted, deactivated or closes the account. Locks all active administrators in
 * one order, so that two who remove each other at the same time cannot both succeed.
 * @throws LastAdmin when nobody would be left to administer
 */
export async function keepAnAdmin(tx: Transaction, leavingId: string): Promise<void> {
  const admins = await tx.query<{ id: string }>(
    `SELECT id FROM users WHERE role = 'admin' AND is_active ORDER BY id FOR NO KEY UPDATE`,
  );
  if (admins.length === 1 && admins[0]?.id === leavingId) throw new LastAdmin();
}
