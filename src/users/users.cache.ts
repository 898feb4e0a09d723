import { Injectable } from '@nestjs/common';
import type { Role } from '../auth/principal';
import type { CacheEntry } from '../cache/cache-entry';
import { CacheService } from '../cache/cache.service';
import type { Transaction } from '../database/transaction';
import { digest } from './secrets';
import type { UserView } from './user-view';

/** What a user may do right now; null for one who may do nothing. */
export type Permissions = { role: Role; organizationId: string | null; emailVerified: boolean } | null;
/** When a session ends, ISO 8601; null for one that has ended. */
export type SessionEnd = string | null;

const MINUTE = 60;
const HOUR = 60 * MINUTE;

/** Everything that is kept of a user, sessions and rights included. */
export const ofUser = (userId: string): string => `user:${userId}`;
const ofWallet = (address: string): string => `wallet:${address}`;

export const profile = (userId: string): CacheEntry<UserView> => ({
  key: ['user:profile', userId],
  ttlSeconds: 5 * MINUTE,
  tags: [ofUser(userId)],
});

export const permissions = (userId: string): CacheEntry<Permissions> => ({
  key: ['user:permissions', userId],
  ttlSeconds: 5 * MINUTE,
  tags: [ofUser(userId)],
  sharedOnly: true,
});

/**
 * Under a hash of the session's id: who reads the cache learns no session. Kept until the session ends, as far as is
 * known: a refresh lets it live longer, and is found out by looking again at the old end.
 */
export const session = (sessionId: string, userId: string): CacheEntry<SessionEnd> => ({
  key: ['user:session', digest(sessionId).toString('hex')],
  ttlSeconds: HOUR,
  tags: [ofUser(userId)],
  sharedOnly: true,
  validUntil: (end) => (end === null ? undefined : Date.parse(end)),
});

export const walletOwner = (address: string): CacheEntry<string | null> => ({
  key: ['user:wallet', address],
  ttlSeconds: 5 * MINUTE,
  tags: [ofWallet(address)],
  sharedOnly: true,
});

/** What is kept of users, and when it is dropped. */
@Injectable()
export class UsersCache {
  constructor(private readonly cache: CacheService) {}

  getOrCompute<Value>(entry: CacheEntry<Value>, load: () => Promise<Value>): Promise<Value> {
    return this.cache.getOrCompute(entry, load);
  }

  /** What is kept already; undefined where nothing is. It waits for nobody's load. */
  known<Value>(entry: CacheEntry<Value>): Promise<Value | undefined> {
    return this.cache.get(entry);
  }

  /**
   * True where all processes share the cache. Who may come in is kept only there: in the memory of one
   * process it would outlive a deactivation that another process committed, and asking the database costs
   * one look-up by primary key.
   */
  get isShared(): boolean {
    return this.cache.isShared;
  }

  /** Drops what is kept of a user, sessions and rights included, and of these wallets. */
  changed(tx: Transaction, userId: string, wallets: readonly (string | null)[] = []): void {
    const tags = wallets.flatMap((address) => (address === null ? [] : [ofWallet(address)]));
    this.cache.invalidateAfterCommit(tx, [ofUser(userId), ...tags]);
  }
}
