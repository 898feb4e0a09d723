import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { z } from 'zod';
import type { Principal } from '../auth/principal';
import { InvalidInput } from '../common/domain-error';
import { CONFIG, type Config } from '../config/config';
import { DatabaseService } from '../database/database.service';
import type { Transaction } from '../database/transaction';
import { JobsService } from '../jobs/jobs.service';
import { MailService } from '../mail/mail.service';
import { publicUrl } from './public-url';
import { UserTokensService } from './user-tokens.service';
import { UsersCache } from './users.cache';
import { InvalidToken } from './users.errors';
import { verificationMail, type Recipient } from './users.mails';

const JOB = 'users.resend-verification';
const wanted = z.object({ email: z.string() });

interface UnverifiedUser extends Recipient {
  readonly id: string;
}

/** Proves that an e-mail address is its user's. */
@Injectable()
export class EmailVerificationService implements OnModuleInit {
  private readonly base: URL;

  constructor(
    @Inject(CONFIG) config: Config,
    private readonly database: DatabaseService,
    private readonly jobs: JobsService,
    private readonly mail: MailService,
    private readonly tokens: UserTokensService,
    private readonly cache: UsersCache,
  ) {
    this.base = publicUrl(config);
  }

  onModuleInit(): void {
    this.jobs.declare(JOB, async (data) => this.sendTo(wanted.parse(data).email));
  }

  /** Mails a token to an address that a user has just come to have. */
  async begin(tx: Transaction, { id, email, username }: UnverifiedUser): Promise<void> {
    const token = await this.tokens.issue(tx, id, 'email_verification', email);
    if (token !== undefined)
      await this.mail.send(tx, verificationMail(this.base, { email, username }, token));
  }

  /** @throws InvalidToken, also when the user has another address by now */
  verify(token: string): Promise<void> {
    return this.database.transaction(async (tx) => {
      const { userId, email } = await this.tokens.redeem(tx, 'email_verification', token);
      const verified = await tx.query(
        `UPDATE users SET email_verified = true, updated_at = now()
          WHERE id = $1 AND lower(email) = lower($2) AND is_active RETURNING id`,
        [userId, email],
      );
      if (verified.length === 0) throw new InvalidToken();
      this.cache.changed(tx, userId);
    });
  }

  /**
   * Sends the mail again: to whoever asks, or to an address. For an address the request only enqueues a job,
   * alike whether or not somebody waits there, so that neither answer nor time tells.
   * @throws InvalidInput when nobody is logged in and there is no address
   */
  async resend(principal: Principal | undefined, email: string | undefined): Promise<void> {
    if (email !== undefined) await this.database.transaction((tx) => this.jobs.enqueue(tx, JOB, { email }));
    else if (principal !== undefined) await this.sendToUser(principal.userId);
    else throw new InvalidInput([{ field: 'email', detail: 'is needed when you are not logged in' }]);
  }

  private sendToUser(userId: string): Promise<void> {
    return this.database.transaction(async (tx) => {
      const [user] = await tx.query<UnverifiedUser>(
        'SELECT id, email, username FROM users WHERE id = $1 AND is_active AND NOT email_verified',
        [userId],
      );
      if (user !== undefined) await this.begin(tx, user);
    });
  }

  private sendTo(email: string): Promise<void> {
    return this.database.transaction(async (tx) => {
      const [user] = await tx.query<UnverifiedUser>(
        'SELECT id, email, username FROM users WHERE lower(email) = lower($1) AND is_active AND NOT email_verified',
        [email],
      );
      if (user !== undefined) await this.begin(tx, user);
    });
  }
}
