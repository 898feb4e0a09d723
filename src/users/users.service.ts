import { Injectable } from '@nestjs/common';
import type { Role } from '../auth/principal';
import { NotFound } from '../common/domain-error';
import { DatabaseService } from '../database/database.service';
import type { Transaction } from '../database/transaction';
import { profile, UsersCache, walletOwner } from './users.cache';
import { USER_COLUMNS, userView, type UserRow, type UserView } from './user-view';

/** Somebody who may take part in a booking. */
export interface ActiveUser {
  readonly id: string;
  readonly role: Role;
  readonly walletAddress: string | null;
}

/** Refuses, by throwing, that an account is closed. Runs in the transaction that closes it. */
export type ClosingCheck = (tx: Transaction, userId: string) => Promise<void>;

/** What other domains ask about users. */
@Injectable()
export class UsersService {
  private readonly closingChecks: ClosingCheck[] = [];

  constructor(
    private readonly database: DatabaseService,
    private readonly cache: UsersCache,
  ) {}

  /**
   * A user who may act and receive, held as such until the transaction ends: closing and deactivating wait.
   * @throws NotFound USER_NOT_FOUND for one who does not exist, is deactivated or has closed the account
   */
  async requireActive(tx: Transaction, userId: string): Promise<ActiveUser> {
    const [row] = await tx.query<{ id: string; role: Role; wallet_address: string | null }>(
      'SELECT id, role, wallet_address FROM users WHERE id = $1 AND is_active FOR SHARE',
      [userId],
    );
    if (row === undefined) throw new NotFound('user');
    return { id: row.id, role: row.role, walletAddress: row.wallet_address };
  }

  /** The user's wallet, where there is one. */
  async walletOf(tx: Transaction, userId: string): Promise<string | null> {
    const [row] = await tx.query<{ wallet_address: string | null }>(
      'SELECT wallet_address FROM users WHERE id = $1',
      [userId],
    );
    return row?.wallet_address ?? null;
  }

  /** The wallets of many users at once, by user; those without one are not in it. */
  async walletsOf(tx: Transaction, userIds: readonly string[]): Promise<Map<string, string>> {
    const rows = await tx.query<{ id: string; wallet_address: string }>(
      'SELECT id, wallet_address FROM users WHERE id = ANY($1::uuid[]) AND wallet_address IS NOT NULL',
      [userIds],
    );
    return new Map(rows.map(({ id, wallet_address: wallet }) => [id, wallet]));
  }

  /** @throws NotFound USER_NOT_FOUND */
  async findById(userId: string): Promise<UserView> {
    const [row] = await this.database.query<UserRow>(`SELECT ${USER_COLUMNS} FROM users WHERE id = $1`, [
      userId,
    ]);
    if (row === undefined) throw new NotFound('user');
    return userView(row);
  }

  /** What somebody sees of the own account, kept for five minutes. */
  profileOf(userId: string): Promise<UserView> {
    return this.cache.getOrCompute(profile(userId), () => this.findById(userId));
  }

  /** Whose wallet that is: the id of a user, kept for five minutes where all processes share the cache. */
  ownerOfWallet(address: string): Promise<string | null> {
    const load = async () => {
      const [owner] = await this.database.query<{ id: string }>(
        'SELECT id FROM users WHERE wallet_address = $1',
        [address],
      );
      return owner?.id ?? null;
    };
    return this.cache.isShared ? this.cache.getOrCompute(walletOwner(address), load) : load();
  }

  /** Registers a condition for closing an account, such as that the books owe it nothing. */
  onClosing(check: ClosingCheck): void {
    this.closingChecks.push(check);
  }

  /** Lets every registered check speak. @throws what the first one that refuses throws */
  async requireClosable(tx: Transaction, userId: string): Promise<void> {
    for (const check of this.closingChecks) await check(tx, userId);
  }
}
