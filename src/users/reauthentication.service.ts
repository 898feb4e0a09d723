import { Injectable } from '@nestjs/common';
import type { Principal } from '../auth/principal';
import { DatabaseService } from '../database/database.service';
import { LoginAttempts } from './login-attempts.service';
import { verifyPassword } from './passwords';
import { accountKey } from './secrets';
import { ReauthenticationRequired, WrongPassword } from './users.errors';

/**
 * Before what would hand the account to whoever merely has an access token: another e-mail address, another
 * wallet, closing. Wants the password, or a log-in (not a refresh) of the last ten minutes.
 */
@Injectable()
export class ReauthenticationService {
  constructor(
    private readonly database: DatabaseService,
    private readonly attempts: LoginAttempts,
  ) {}

  /** @throws WrongPassword, LockedOut, ReauthenticationRequired */
  async require(principal: Principal, currentPassword: string | undefined): Promise<void> {
    if (currentPassword !== undefined) await this.requirePassword(principal.userId, currentPassword);
    else if (!(await this.isFresh(principal.sessionId))) throw new ReauthenticationRequired();
  }

  /**
   * Checks the password of somebody who is logged in; guesses are counted as those at log-in are.
   * @returns the hash that the password was checked against
   * @throws WrongPassword, LockedOut
   */
  async requirePassword(userId: string, password: string): Promise<string> {
    const hash = await this.attempts.run(accountKey(userId), async () => {
      const [user] = await this.database.query<{ password_hash: string }>(
        'SELECT password_hash FROM users WHERE id = $1 AND is_active',
        [userId],
      );
      return (await verifyPassword(user?.password_hash, password)) ? user?.password_hash : undefined;
    });
    if (hash === undefined) throw new WrongPassword();
    return hash;
  }

  private async isFresh(sessionId: string): Promise<boolean> {
    const found = await this.database.query(
      `SELECT id FROM sessions WHERE id = $1 AND created_at > now() - interval '10 minutes'`,
      [sessionId],
    );
    return found.length > 0;
  }
}
