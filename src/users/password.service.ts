import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { z } from 'zod';
import type { Principal } from '../auth/principal';
import { CONFIG, type Config } from '../config/config';
import { DatabaseService } from '../database/database.service';
import type { Transaction } from '../database/transaction';
import { JobsService } from '../jobs/jobs.service';
import { MailService } from '../mail/mail.service';
import { LoginAttempts } from './login-attempts.service';
import { hashPassword } from './passwords';
import { publicUrl } from './public-url';
import { ReauthenticationService } from './reauthentication.service';
import { keysOf } from './secrets';
import { SessionsService } from './sessions.service';
import { UserTokensService, type RedeemedToken } from './user-tokens.service';
import { UsersCache } from './users.cache';
import { InvalidToken, WrongPassword } from './users.errors';
import { passwordChangedMail, passwordResetMail, type Recipient } from './users.mails';

const JOB = 'users.password-forgotten';
const forgotten = z.object({ email: z.string() });

/** New passwords: for those who forgot theirs, and for those who know it. */
@Injectable()
export class PasswordService implements OnModuleInit {
  private readonly base: URL;

  constructor(
    @Inject(CONFIG) config: Config,
    private readonly database: DatabaseService,
    private readonly jobs: JobsService,
    private readonly mail: MailService,
    private readonly tokens: UserTokensService,
    private readonly sessions: SessionsService,
    private readonly reauthentication: ReauthenticationService,
    private readonly attempts: LoginAttempts,
    private readonly cache: UsersCache,
  ) {
    this.base = publicUrl(config);
  }

  onModuleInit(): void {
    this.jobs.declare(JOB, async (data) => this.mailToken(forgotten.parse(data).email));
  }

  /**
   * Mails a token to whoever has that address. The request only enqueues a job, alike whether or not somebody
   * has it, so that neither answer nor time tells.
   */
  forget(email: string): Promise<void> {
    return this.database.transaction((tx) => this.jobs.enqueue(tx, JOB, { email }));
  }

  /**
   * Sets a new password by a mailed token, which proves the address too; ends every session and lock-out.
   * @throws InvalidToken
   */
  async reset(token: string, password: string): Promise<void> {
    // Hashing is costly on purpose: nobody makes us do it with a token that was made up.
    const isGood = await this.database.transaction((tx) => this.tokens.isGood(tx, 'password_reset', token));
    if (!isGood) throw new InvalidToken();
    const passwordHash = await hashPassword(password);
    await this.database.transaction(async (tx) => {
      const redeemed = await this.tokens.redeem(tx, 'password_reset', token);
      const user = await this.replace(tx, redeemed, passwordHash);
      await this.sessions.endAll(tx, redeemed.userId);
      await this.attempts.forgive(tx, keysOf({ id: redeemed.userId, ...user }));
      await this.mail.send(tx, passwordChangedMail(user));
    });
  }

  /**
   * Sets a new password for somebody who knows the old one; ends all other sessions.
   * @throws WrongPassword, LockedOut
   */
  async change(
    { userId, sessionId }: Principal,
    currentPassword: string,
    newPassword: string,
  ): Promise<void> {
    const oldHash = await this.reauthentication.requirePassword(userId, currentPassword);
    const newHash = await hashPassword(newPassword);
    await this.database.transaction(async (tx) => {
      const [user] = await tx.query<Recipient>(
        `UPDATE users SET password_hash = $3, updated_at = now()
          WHERE id = $1 AND password_hash = $2 AND is_active RETURNING email, username`,
        [userId, oldHash, newHash],
      );
      if (user === undefined) throw new WrongPassword(); // changed by somebody else meanwhile
      await this.tokens.revoke(tx, userId, ['password_reset']);
      await this.sessions.endAll(tx, userId, sessionId);
      await this.mail.send(tx, passwordChangedMail(user));
    });
  }

  private mailToken(email: string): Promise<void> {
    return this.database.transaction(async (tx) => {
      const [user] = await tx.query<Recipient & { id: string }>(
        'SELECT id, email, username FROM users WHERE lower(email) = lower($1) AND is_active',
        [email],
      );
      if (user === undefined) return;
      const token = await this.tokens.issue(tx, user.id, 'password_reset', user.email);
      if (token !== undefined) await this.mail.send(tx, passwordResetMail(this.base, user, token));
    });
  }

  private async replace(tx: Transaction, { userId, email }: RedeemedToken, hash: string): Promise<Recipient> {
    const [user] = await tx.query<Recipient>(
      `UPDATE users SET password_hash = $3, email_verified = true, updated_at = now()
        WHERE id = $1 AND lower(email) = lower($2) AND is_active RETURNING email, username`,
      [userId, email, hash],
    );
    if (user === undefined) throw new InvalidToken();
    this.cache.changed(tx, userId);
    return user;
  }
}
