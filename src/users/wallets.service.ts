import { Injectable } from '@nestjs/common';
import { AuditService } from '../audit/audit.service';
import type { Principal } from '../auth/principal';
import { NotFound } from '../common/domain-error';
import { DatabaseService } from '../database/database.service';
import { violatedConstraint } from '../database/query-events';
import type { Transaction } from '../database/transaction';
import { MailService } from '../mail/mail.service';
import type { WalletLogin } from './dto/auth.schemas';
import type { WalletLink } from './dto/users.schemas';
import { ReauthenticationService } from './reauthentication.service';
import { SessionsService, type TokenPair } from './sessions.service';
import { USER_COLUMNS, userView, type UserRow, type UserView } from './user-view';
import { UsersCache } from './users.cache';
import { InvalidSignature, WalletNotProved, WalletTaken } from './users.errors';
import { walletLinkedMail } from './users.mails';
import { UsersService } from './users.service';
import { WalletChallengesService } from './wallet-challenges.service';

/** Wallets of users: log-in by signature, and the link between the two. */
@Injectable()
export class WalletsService {
  constructor(
    private readonly database: DatabaseService,
    private readonly challenges: WalletChallengesService,
    private readonly users: UsersService,
    private readonly sessions: SessionsService,
    private readonly reauthentication: ReauthenticationService,
    private readonly mail: MailService,
    private readonly cache: UsersCache,
    private readonly audit: AuditService,
  ) {}

  /** @throws InvalidSignature, alike for a wallet that is nobody's */
  async logIn({ walletAddress, signature }: WalletLogin, userAgent: string | undefined): Promise<TokenPair> {
    const ownerId = await this.users.ownerOfWallet(walletAddress);
    // Does not throw inside: the challenge is used up though nobody comes in by it.
    const tokens = await this.database.transaction(async (tx) => {
      if (!(await this.challenges.prove(tx, walletAddress, signature)) || ownerId === null) return undefined;
      const held = await tx.query(
        'SELECT id FROM users WHERE id = $1 AND wallet_address = $2 AND is_active FOR SHARE',
        [ownerId, walletAddress],
      );
      return held.length === 0 ? undefined : this.sessions.open(tx, ownerId, userAgent);
    });
    if (tokens === undefined) throw new InvalidSignature();
    return tokens;
  }

  /**
   * Links a wallet that the user proves to own, in place of the one before.
   * @throws WalletNotProved, WalletTaken, and what reauthentication throws
   */
  async link(
    principal: Principal,
    { walletAddress, signature, currentPassword }: WalletLink,
  ): Promise<UserView> {
    await this.reauthentication.require(principal, currentPassword);
    try {
      return await this.database.transaction((tx) => this.replace(tx, principal, walletAddress, signature));
    } catch (error) {
      if (violatedConstraint(error) === 'idx_users_wallet_address') throw new WalletTaken();
      throw error;
    }
  }

  private async replace(
    tx: Transaction,
    principal: Principal,
    address: string,
    signature: string,
  ): Promise<UserView> {
    if (!(await this.challenges.prove(tx, address, signature))) throw new WalletNotProved();
    const [before] = await tx.query<{ wallet_address: string | null }>(
      'SELECT wallet_address FROM users WHERE id = $1 AND is_active FOR NO KEY UPDATE',
      [principal.userId],
    );
    if (before === undefined) throw new NotFound('user');
    const rows = await tx.query<UserRow>(
      `UPDATE users SET wallet_address = $2, updated_at = now() WHERE id = $1 RETURNING ${USER_COLUMNS}`,
      [principal.userId, address],
    );
    const user = rows[0] as UserRow;
    this.cache.changed(tx, user.id, [before.wallet_address, address]);
    this.audit.record(tx, principal, {
      action: 'user.wallet_linked',
      entity: 'users',
      entityId: user.id,
      before: { walletAddress: before.wallet_address },
      after: { walletAddress: address },
    });
    await this.mail.send(tx, walletLinkedMail(user));
    return userView(user);
  }
}
