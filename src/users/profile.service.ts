import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { AuditService } from '../audit/audit.service';
import type { Principal } from '../auth/principal';
import { NotFound } from '../common/domain-error';
import { DatabaseService } from '../database/database.service';
import type { Transaction } from '../database/transaction';
import { MailService } from '../mail/mail.service';
import { keepAnAdmin } from './admins';
import type { ProfileChange } from './dto/users.schemas';
import { EmailVerificationService } from './email-verification.service';
import { orTaken } from './new-user';
import { ReauthenticationService } from './reauthentication.service';
import { SessionsService } from './sessions.service';
import { USER_TOKEN_KINDS } from './user-token.entity';
import { UserTokensService } from './user-tokens.service';
import { USER_COLUMNS, userView, type UserRow, type UserView } from './user-view';
import { UsersCache } from './users.cache';
import { accountClosedMail, addressChangedMail } from './users.mails';
import { UsersService } from './users.service';

const sameAddress = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase();

/** What users do to their own account. */
@Injectable()
export class ProfileService {
  constructor(
    private readonly database: DatabaseService,
    private readonly users: UsersService,
    private readonly reauthentication: ReauthenticationService,
    private readonly verification: EmailVerificationService,
    private readonly tokens: UserTokensService,
    private readonly sessions: SessionsService,
    private readonly mail: MailService,
    private readonly cache: UsersCache,
    private readonly audit: AuditService,
  ) {}

  /**
   * Changes names and addresses. A new e-mail address has to be verified again, and the old one is told.
   * @throws EmailTaken, UsernameTaken; for another address also what reauthentication throws
   */
  async change(principal: Principal, change: ProfileChange): Promise<UserView> {
    const { email, currentPassword } = change;
    if (email !== undefined) {
      const current = await this.users.findById(principal.userId);
      if (!sameAddress(email, current.email)) await this.reauthentication.require(principal, currentPassword);
    }
    return this.database.transaction(async (tx) => {
      const before = await this.lock(tx, principal.userId);
      const after = await this.write(tx, before, change);
      if (!sameAddress(before.email, after.email)) {
        await this.tokens.revoke(tx, after.id, ['password_reset']);
        await this.verification.begin(tx, after);
        await this.mail.send(tx, addressChangedMail(before));
      }
      this.cache.changed(tx, after.id);
      return userView(after);
    });
  }

  /**
   * Closes the account for good: what is personal goes, the books stay, every session ends.
   * @throws LastAdmin, what a registered check throws (ACCOUNT_IN_USE), and what reauthentication throws
   */
  async close(principal: Principal, currentPassword: string | undefined): Promise<void> {
    await this.reauthentication.require(principal, currentPassword);
    await this.database.transaction(async (tx) => {
      if (principal.role === 'admin') await keepAnAdmin(tx, principal.userId);
      const before = await this.lock(tx, principal.userId);
      await this.users.requireClosable(tx, before.id);
      await this.anonymise(tx, before);
      await this.sessions.endAll(tx, before.id);
      this.audit.record(tx, principal, { action: 'user.closed', entity: 'users', entityId: before.id });
      await this.mail.send(tx, accountClosedMail(before));
    });
  }

  private async lock(tx: Transaction, userId: string): Promise<UserRow> {
    const [user] = await tx.query<UserRow>(
      `SELECT ${USER_COLUMNS} FROM users WHERE id = $1 AND is_active FOR NO KEY UPDATE`,
      [userId],
    );
    if (user === undefined) throw new NotFound('user');
    return user;
  }

  private async write(tx: Transaction, before: UserRow, change: ProfileChange): Promise<UserRow> {
    const email = change.email ?? before.email;
    const rows = await orTaken(
      tx.query<UserRow>(
        `UPDATE users SET first_name = $2, last_name = $3, username = $4, email = $5, email_verified = $6,
                updated_at = now()
          WHERE id = $1 RETURNING ${USER_COLUMNS}`,
        [
          before.id,
          change.firstName === undefined ? before.first_name : change.firstName,
          change.lastName === undefined ? before.last_name : change.lastName,
          change.username ?? before.username,
          email,
          before.email_verified && sameAddress(email, before.email),
        ],
      ),
    );
    return rows[0] as UserRow;
  }

  /** Names that nobody can register stand in: `.invalid` is no domain (RFC 2606), and the username is too long. */
  private async anonymise(tx: Transaction, { id, wallet_address: wallet }: UserRow): Promise<void> {
    const pseudonym = `closed-${randomUUID()}`;
    await tx.query(
      `UPDATE users SET email = $2, username = $3, password_hash = 'closed', first_name = NULL, last_name = NULL,
              wallet_address = NULL, organization_id = NULL, email_verified = false, is_active = false,
              closed_at = now(), updated_at = now()
        WHERE id = $1`,
      [id, `${pseudonym}@closed.invalid`, pseudonym],
    );
    await this.tokens.revoke(tx, id, USER_TOKEN_KINDS);
    this.cache.changed(tx, id, [wallet]);
  }
}
